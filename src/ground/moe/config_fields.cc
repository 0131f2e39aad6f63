#include "moe/config_fields.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "base/error.h"

namespace mixnet {
namespace {

// The largest sizes taken: far above any model, and small enough that one layer's parameters fit
// into 64 bits, so that the total can be refused before it is summed.
constexpr std::int64_t kMaxHidden = 1 << 20;
constexpr std::int64_t kMaxVocab = 1 << 26;
constexpr std::int64_t kMaxHeads = 1 << 12;
constexpr std::int64_t kMaxRank = 1 << 17;

struct Meaning {
  Field field;
  std::int64_t least;
  std::int64_t most;
  std::array<std::string_view, 9> spellings;
};

constexpr Meaning kMeanings[] = {
    {Field::kLayers,
     1,
     kMaxLayers,
     {"num_hidden_layers", "num_layers", "n_layers", "n_layer", "encoder_layers"}},
    {Field::kHidden, 1, kMaxHidden, {"hidden_size", "d_model", "dim", "n_embd"}},
    {Field::kVocab, 1, kMaxVocab, {"vocab_size"}},
    {Field::kHeads,
     1,
     kMaxHeads,
     {"num_attention_heads", "n_heads", "num_heads", "n_head", "encoder_attention_heads"}},
    {Field::kKvHeads,
     1,
     kMaxHeads,
     {"num_key_value_heads", "n_kv_heads", "num_kv_heads", "attn_config.kv_n_heads"}},
    {Field::kHeadDim, 1, kMaxHeadDim, {"head_dim", "kv_channels", "d_kv", "attention_head_dim"}},
    {Field::kValueDim, 1, kMaxHeadDim, {"v_head_dim"}},
    {Field::kQueryRank, 0, kMaxRank, {"q_lora_rank"}},
    {Field::kKeyValueRank, 1, kMaxRank, {"kv_lora_rank"}},
    {Field::kNopeDim, 1, kMaxHeadDim, {"qk_nope_head_dim"}},
    {Field::kRopeDim, 1, kMaxHeadDim, {"qk_rope_head_dim"}},
    {Field::kIndexHeads, 0, kMaxHeads, {"index_n_heads"}},
    {Field::kIndexDim, 0, kMaxHeadDim, {"index_head_dim"}},
    {Field::kExperts,
     1,
     kMaxExperts,
     {"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts",
      "ffn_config.moe_num_experts", "moe.num_experts"}},
    {Field::kTopK,
     1,
     kMaxExperts,
     {"num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_top_k",
      "moe_k", "num_selects", "ffn_config.moe_top_k", "moe.num_experts_per_tok"}},
    {Field::kIdleExperts, 0, kMaxExperts, {"zero_expert_num"}},
    {Field::kSharedExperts,
     0,
     kMaxExperts,
     {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert",
      "moe.num_shared_experts"}},
    {Field::kSharedWidth,
     0,
     kMaxIntermediate,
     {"shared_expert_intermediate_size", "shared_intermediate_size",
      "moe_shared_expert_intermediate_size"}},
    {Field::kLinearHeads,
     1,
     kMaxHeads,
     {"linear_num_key_heads", "linear_num_heads", "linear_attn_config.num_heads"}},
    {Field::kLinearDim,
     1,
     kMaxHeadDim,
     {"linear_key_head_dim", "linear_head_dim", "linear_attn_config.head_dim"}},
    {Field::kLinearValueHeads, 1, kMaxHeads, {"linear_num_value_heads"}},
    {Field::kLinearValueDim, 1, kMaxHeadDim, {"linear_value_head_dim"}},
    {Field::kConvolution,
     1,
     kMaxHeads,
     {"linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel", "conv_L_cache",
      "short_conv_kernel_size", "linear_attn_config.short_conv_kernel_size"}},
    {Field::kState, 1, kMaxRank, {"mamba_d_state", "ssm_state_size"}},
    {Field::kGroups, 1, kMaxHeads, {"mamba_n_groups", "n_groups"}},
    {Field::kMambaHeads, 1, kMaxHeads, {"mamba_n_heads", "mamba_num_heads"}},
    {Field::kMambaDim, 1, 1024, {"mamba_d_head", "mamba_head_dim"}},
    {Field::kExpand, 1, 4, {"mamba_expand", "expand"}},
    {Field::kTimeRank, 1, kMaxRank, {"mamba_dt_rank"}},
    {Field::kDecoderLayers, 1, kMaxLayers, {"num_decoder_layers", "decoder_layers"}},
    {Field::kPositionBuckets, 0, kMaxHeads, {"relative_attention_num_buckets"}},
};
static_assert(std::size(kMeanings) == static_cast<std::size_t>(Field::kCount));

const Meaning& meaning(Field field) { return kMeanings[static_cast<std::size_t>(field)]; }

/// Down the dots; null when there is no such key.
const nlohmann::json* value_at(const nlohmann::json& object, std::string_view key) {
  const auto direct = object.find(std::string(key));
  if (direct != object.end()) return &*direct;
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto inner = object.find(std::string(key.substr(0, dot)));
  if (inner == object.end() || !inner->is_object()) return nullptr;
  return value_at(*inner, key.substr(dot + 1));
}

JsonReader reader_at(const JsonReader& object, std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos || object.has(key)) return object.at(key);
  return reader_at(object.at(key.substr(0, dot)), key.substr(dot + 1));
}

bool must_be_given(const nlohmann::json& otherwise) { return otherwise == "?"; }

/// What some files give layer by layer.
bool is_per_layer(Field field) { return field == Field::kTopK || field == Field::kSharedExperts; }

int whole(const JsonReader& reader, std::int64_t least, std::int64_t most) {
  return static_cast<int>(reader.integer(least, most));
}

/// A number, or a list of equal ones.
int equal_wholes(const JsonReader& reader, std::int64_t least, std::int64_t most) {
  if (!reader.value().is_array()) return whole(reader, least, most);
  const std::int64_t first = reader.at(std::size_t{0}).integer(least, most);
  for (std::size_t i = 1; i < reader.size(); ++i) {
    if (reader.at(i).integer(least, most) == first) continue;
    throw Error(reader.at(i).place(), fmt::format("differs from the {} before it", first),
                "give one number for all layers: others cannot be counted");
  }
  return static_cast<int>(first);
}

}  // namespace

ConfigFields::ConfigFields(const JsonReader& config, const Family& family)
    : config_(config), family_(family), defaults_(nlohmann::json::parse(family.defaults)) {}

const nlohmann::json* ConfigFields::raw(std::string_view key) const {
  return value_at(config_.value(), key);
}

std::string ConfigFields::key(Field field) const {
  const auto& spellings = meaning(field).spellings;
  for (const bool of_row : {true, false}) {
    for (const std::string_view name : spellings) {
      if (name.empty() || (of_row && !defaults_.contains(std::string(name)))) continue;
      if (is_given(name)) return std::string(name);
    }
  }
  for (const std::string_view name : spellings) {
    if (defaults_.contains(std::string(name))) return std::string(name);
  }
  return std::string(spellings.front());
}

std::optional<JsonReader> ConfigFields::find(std::string_view key) const {
  if (const nlohmann::json* value = raw(key)) {
    if (value->is_null()) return std::nullopt;
    return reader_at(config_, key);
  }
  const auto otherwise = defaults_.find(std::string(key));
  if (otherwise == defaults_.end() || must_be_given(*otherwise)) return std::nullopt;
  return JsonReader(*otherwise, family_.name);
}

std::optional<int> ConfigFields::size(std::string_view key, std::int64_t least,
                                      std::int64_t most) const {
  const std::optional<JsonReader> found = find(key);
  return found ? std::optional(whole(*found, least, most)) : std::nullopt;
}

std::optional<int> ConfigFields::size(Field field) const {
  const Meaning& limits = meaning(field);
  const std::string name = key(field);
  if (!is_per_layer(field)) return size(name, limits.least, limits.most);
  const std::optional<JsonReader> found = find(name);
  return found ? std::optional(equal_wholes(*found, limits.least, limits.most)) : std::nullopt;
}

int ConfigFields::required(std::string_view key, std::int64_t most) const {
  if (const std::optional<JsonReader> found = find(key)) return equal_wholes(*found, 1, most);
  throw Error(config_.place(), fmt::format("key '{}' is missing", key));
}

int ConfigFields::required(Field field) const {
  if (const std::optional<int> found = size(field)) return *found;
  throw Error(config_.place(), fmt::format("key '{}' is missing", key(field)));
}

std::optional<int> ConfigFields::required_or_null(Field field) const {
  const std::string name = key(field);
  return is_given(name) || defaults_.contains(name) ? size(field) : required(field);
}

std::string ConfigFields::place(Field field) const {
  const std::string name = key(field);
  const nlohmann::json* value = raw(name);
  return value == nullptr || value->is_null() ? config_.place() : reader_at(config_, name).place();
}

bool ConfigFields::flag(Flag flag) const {
  if (flag.empty() || flag == "yes") return !flag.empty();
  const std::optional<JsonReader> found = find(flag);
  return found && found->boolean();
}

}  // namespace mixnet
