#include "moe/layer_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using Sorts = std::vector<LayerSort>;

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

void check_length(const JsonReader& list, int layers) {
  if (list.size() == static_cast<std::size_t>(layers)) return;
  throw Error(list.place(), fmt::format("has {} entries for {} layers", list.size(), layers),
              "give one for each layer");
}

/// Of layers that are numbered in a list, from `first` on.
std::vector<bool> listed(const JsonReader& list, int layers, int first) {
  std::vector<bool> is_listed(static_cast<std::size_t>(layers), false);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::int64_t layer = list.at(i).integer(first, layers - 1 + first) - first;
    is_listed[static_cast<std::size_t>(layer)] = true;
  }
  return is_listed;
}

// Steps and offsets: of every `period` layers the one at `at` has it.
struct IntervalKeys {
  std::string_view period;
  std::string_view offset;  ///< empty: the last of them, or the first when `is_first`
  bool is_first;
};

struct Interval {
  int period;
  int at;
  bool holds(int layer) const { return layer % period == at; }
};

std::vector<Interval> intervals(const ConfigFields& fields, std::span<const IntervalKeys> keys) {
  std::vector<Interval> found;
  for (const IntervalKeys& key : keys) {
    const std::optional<int> period = fields.size(key.period, 1, kMaxLayers);
    if (!period || *period == 1) continue;
    int at = key.is_first ? 0 : *period - 1;
    if (!key.offset.empty()) at = fields.size(key.offset, 0, kMaxLayers).value_or(0) % *period;
    found.push_back({*period, at});
  }
  return found;
}

bool hold(const std::vector<Interval>& all, int layer) {
  return std::ranges::all_of(all, [&](const Interval& one) { return one.holds(layer); });
}

void read_names(const JsonReader& list, const Family& family, Sorts& sorts) {
  check_length(list, static_cast<int>(sorts.size()));
  for (std::size_t i = 0; i < sorts.size(); ++i) {
    const std::string name = list.at(i).string();
    LayerSort& sort = sorts[i];
    const bool is_other =
        one_of(name, {"linear_attention", "mamba", "mamba2", "conv", "short_conv"});
    const bool is_feed_forward = family.one_part && one_of(name, {"moe", "mlp"});
    if (!is_other && !is_feed_forward && !name.ends_with("attention")) {
      throw Error(list.at(i).place(), fmt::format("'{}' is no layer of {}", name, family.name),
                  "give full_attention, sliding_attention, linear_attention, mamba or conv");
    }
    sort.is_main = !is_other;
    if (!family.one_part) continue;
    sort.has_feed_forward = is_feed_forward;
    sort.has_mixer = !sort.has_feed_forward;
    sort.is_moe = name == "moe";
  }
}

/// Nemotron-H's: M is Mamba, * attention, E experts, - a dense part.
void read_letters(const JsonReader& letters, Sorts& sorts) {
  const std::string text = letters.string();
  if (text.size() != sorts.size() || text.find_first_not_of("M*E-") != std::string::npos) {
    throw Error(letters.place(), fmt::format("is not {} letters, one for each layer", sorts.size()),
                "give M (Mamba), * (attention), E (experts) or - (dense)");
  }
  for (std::size_t i = 0; i < sorts.size(); ++i) {
    const bool mixes = text[i] == 'M' || text[i] == '*';
    sorts[i] = {mixes, text[i] != 'M', !mixes, text[i] == 'E'};
  }
}

void set_main(const std::vector<bool>& is_main, Sorts& sorts) {
  for (std::size_t i = 0; i < sorts.size(); ++i) sorts[i].is_main = is_main[i];
}

void read_mixers(const ConfigFields& fields, Sorts& sorts) {
  const Family& family = fields.family();
  const int layers = static_cast<int>(sorts.size());
  if (const auto letters = fields.find("hybrid_override_pattern"); family.one_part && letters) {
    return read_letters(*letters, sorts);
  }
  for (const char* key : {"layer_types", "layers_block_type"}) {
    if (const auto list = fields.find(key)) return read_names(*list, family, sorts);
  }
  if (const auto list = fields.find("attn_type_list")) {
    check_length(*list, layers);
    for (std::size_t i = 0; i < sorts.size(); ++i)
      sorts[i].is_main = list->at(i).integer(0, 1) == 1;
    return;
  }
  if (const auto list = fields.find("full_attn_idxs"))
    return set_main(listed(*list, layers, 0), sorts);
  if (const auto list = fields.find("linear_attn_config.full_attn_layers")) {
    return set_main(listed(*list, layers, 1), sorts);
  }
  constexpr IntervalKeys kMain[] = {{"full_attention_interval", "", false},
                                    {"attn_layer_period", "attn_layer_offset", false},
                                    {"layer_group_size", "", false}};
  if (family.other == AttentionKind::kGroupedQuery) return;
  const std::vector<Interval> main = intervals(fields, kMain);
  // The last group of Ring-linear may be short; its layers are all of softmax attention.
  const int group = fields.size("layer_group_size", 1, kMaxLayers).value_or(1);
  for (int layer = 0; layer < layers; ++layer) {
    sorts[static_cast<std::size_t>(layer)].is_main =
        hold(main, layer) || layer >= layers / group * group;
  }
}

/// From a list, where there is one.
bool read_listed_experts(const ConfigFields& fields, Sorts& sorts) {
  const int layers = static_cast<int>(sorts.size());
  if (const auto list = fields.find("mlp_layer_types")) {
    check_length(*list, layers);
    for (std::size_t i = 0; i < sorts.size(); ++i)
      sorts[i].is_moe = list->at(i).string() != "dense";
    return true;
  }
  if (const auto list = fields.find("moe_layers")) {
    const std::vector<bool> is_moe = listed(*list, layers, 0);
    for (std::size_t i = 0; i < sorts.size(); ++i) sorts[i].is_moe = is_moe[i];
    return true;
  }
  if (const auto list = fields.find("moe_layer_freq"); list && list->value().is_array()) {
    check_length(*list, layers);
    for (std::size_t i = 0; i < sorts.size(); ++i) sorts[i].is_moe = list->at(i).integer(0, 1) == 1;
    return true;
  }
  return false;
}

void read_expert_intervals(const ConfigFields& fields, Sorts& sorts) {
  constexpr IntervalKeys kExperts[] = {{"moe_layer_freq", "", true},
                                       {"decoder_sparse_step", "", false},
                                       {"interleave_moe_layer_step", "", false},
                                       {"moe_layer_frequency", "", false},
                                       {"moe_layer_interval", "", false},
                                       {"expert_layer_period", "expert_layer_offset", false}};
  const int layers = static_cast<int>(sorts.size());
  int first = 0;
  for (const char* key : {"first_k_dense_replace", "num_dense_layers", "moe_layer_start_index",
                          "moe.first_k_dense_replace"}) {
    first = std::max(first, fields.size(key, 0, kMaxLayers).value_or(0));
  }
  int last = fields.size("moe_layer_end_index", -1, kMaxLayers).value_or(-1);
  if (last < 0) last = layers - 1;
  std::vector<bool> is_dense(sorts.size(), false);
  if (const auto list = fields.find("mlp_only_layers")) is_dense = listed(*list, layers, 0);
  const std::vector<Interval> steps = intervals(fields, kExperts);
  for (int layer = 0; layer < layers; ++layer) {
    const auto i = static_cast<std::size_t>(layer);
    sorts[i].is_moe = layer >= first && layer <= last && !is_dense[i] && hold(steps, layer);
  }
}

[[noreturn]] void refuse_none(const ConfigFields& fields) {
  for (const char* key : {"mlp_layer_types", "moe_layers", "moe_layer_freq", "decoder_sparse_step",
                          "first_k_dense_replace", "num_dense_layers", "mlp_only_layers",
                          "interleave_moe_layer_step"}) {
    const auto found = fields.find(key);
    if (!found || !fields.config().has(key)) continue;
    if (found->value().is_number() && found->number(-1) <= 1 &&
        key != std::string("num_dense_layers")) {
      continue;  // a step of one leaves none out
    }
    throw Error(found->place(), "leaves no layer with experts",
                "this program is about models that have some");
  }
  throw Error(fields.config().place(), "leaves no layer with experts",
              "this program is about models that have some");
}

}  // namespace

Sorts layer_pattern(const ConfigFields& fields, int layers) {
  Sorts sorts(static_cast<std::size_t>(layers));
  read_mixers(fields, sorts);
  if (!fields.family().one_part && !read_listed_experts(fields, sorts)) {
    read_expert_intervals(fields, sorts);
  }
  if (std::ranges::none_of(sorts, &LayerSort::is_moe)) refuse_none(fields);
  return sorts;
}

}  // namespace mixnet
