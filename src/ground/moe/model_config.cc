#include "moe/model_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/suggest.h"
#include "moe/config_fields.h"
#include "moe/config_text.h"
#include "moe/model_families.h"
#include "moe/model_names.h"
#include "moe/model_stack.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxPlan = 1 << 22;
constexpr std::int64_t kMaxBatch = std::int64_t{1} << 32;

int plan_size(const JsonReader& object, std::string_view key) {
  return object.has(key) ? static_cast<int>(object.at(key).integer(1, kMaxPlan)) : 0;
}

/// Objects in which models that see or hear keep their text model.
constexpr std::string_view kTextModels[] = {"text_config", "llm_config", "language_config",
                                            "thinker_config"};

bool has_layers(const JsonReader& config) {
  for (const char* key : {"num_hidden_layers", "num_layers", "n_layers"}) {
    if (config.has(key)) return true;
  }
  return false;
}

/// `config`, or the text model within it.
JsonReader text_model(const JsonReader& config) {
  if (has_layers(config)) return config;
  for (const std::string_view key : kTextModels) {
    if (config.has(key) && config.at(key).value().is_object()) return text_model(config.at(key));
  }
  return config;
}

/// The names that a file gives its family: model_type, or else the first of architectures.
std::optional<JsonReader> given_name(const JsonReader& config) {
  if (config.has("model_type")) return config.at("model_type");
  if (config.has("architectures")) return config.at("architectures").at(std::size_t{0});
  return std::nullopt;
}

std::string first_architecture(const JsonReader& config) {
  if (!config.has("architectures")) return {};
  const JsonReader list = config.at("architectures");
  return list.size() > 0 && list.at(std::size_t{0}).value().is_string()
             ? list.at(std::size_t{0}).string()
             : "";
}

/// Files of the authors' own, which name no family, by keys that only they have.
const Family* family_by_keys(const JsonReader& config) {
  if (config.has("moe") && config.has("dim")) {
    return find_family(config.has("kv_lora_rank") ? "mistral params.json (latent attention)"
                                                  : "mistral params.json");
  }
  if (config.has("swiglu_limit") && config.has("num_experts")) return find_family("gpt_oss");
  return nullptr;
}

/// Families that people have files of and that have no experts, by how their names begin.
constexpr std::string_view kDense[] = {"llama",   "mistral", "qwen2",   "qwen3", "gemma", "gpt2",
                                       "gpt_neo", "phi",     "falcon",  "opt",   "bert",  "roberta",
                                       "t5",      "bloom",   "chatglm", "glm4",  "cohere"};

std::string letters(std::string_view name) {
  std::string kept;
  for (const char c : name) {
    if (c < '0' || c > '9') kept += c;
  }
  return kept;
}

[[noreturn]] void refuse_family(const JsonReader& place, bool by_type) {
  const std::string given = place.string();
  for (const std::string_view dense : kDense) {
    if (!given.starts_with(dense) || given.find("moe") != std::string::npos) continue;
    throw Error(place.place(), fmt::format("'{}' is a family without experts", given),
                "give a config.json of a Mixture-of-Experts model");
  }
  std::vector<std::string> known;
  bool is_other_version = false;
  for (const Family& family : model_families()) {
    const std::string_view name = by_type ? family.name : family.architecture;
    if (name.empty() || family.architecture.empty()) continue;
    known.emplace_back(name);
    is_other_version = is_other_version || letters(name) == letters(given);
  }
  // Another version is another model, whose shapes differ: no typing error.
  throw Error(
      place.place(), fmt::format("'{}' is not a family of models that can be read", given),
      is_other_version ? fmt::format("known: {}", fmt::join(known, ", ")) : suggest(given, known));
}

const Family& family_of(const JsonReader& config, const JsonReader& text) {
  const std::optional<JsonReader> own = given_name(text);
  const std::optional<JsonReader> outer = given_name(config);
  for (const JsonReader* file : {&text, &config}) {
    const std::optional<JsonReader> name = given_name(*file);
    if (!name) continue;
    const std::string type = name->string();
    if (const Family* family = find_family(type + "/" + first_architecture(*file))) return *family;
    if (const Family* family = find_family(type)) return *family;
  }
  if (!own && !outer) {
    if (const Family* family = family_by_keys(config)) return *family;
    throw Error(config.place(), "key 'model_type' is missing",
                "give a config.json of a Mixture-of-Experts model");
  }
  refuse_family(own ? *own : *outer, (own ? text : config).has("model_type"));
}

/// One line for tables: control characters would let a file draw on the terminal.
std::string line_or(const JsonReader& object, std::string_view key, std::string otherwise) {
  if (!object.has(key)) return otherwise;
  std::string text = object.at(key).string();
  constexpr std::size_t kMaxLength = 200;
  bool plain = !text.empty() && text.size() <= kMaxLength;
  for (const char c : text) plain = plain && static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
  if (plain) return text;
  throw Error(object.at(key).place(), "is not one line of 1 to 200 characters");
}

void refuse_other_keys(const JsonReader& object, std::span<const std::string> known) {
  for (const std::string& key : object.keys()) {
    bool found = false;
    for (const std::string& name : known) found = found || key == name;
    if (!found) {
      throw Error(object.place(), fmt::format("has an unknown key '{}'", key), suggest(key, known));
    }
  }
}

void read_defaults(const JsonReader& object, ModelDefaults& defaults) {
  const std::string known[] = {
      "tp", "pp", "ep", "micro_batch_size", "seq_length", "global_batch_size"};
  refuse_other_keys(object, known);
  defaults.tp = plan_size(object, "tp");
  defaults.pp = plan_size(object, "pp");
  defaults.ep = plan_size(object, "ep");
  defaults.micro_batch_size = plan_size(object, "micro_batch_size");
  defaults.seq_length = plan_size(object, "seq_length");
  if (object.has("global_batch_size")) {
    defaults.global_batch_size = object.at("global_batch_size").integer(1, kMaxBatch);
  }
}

std::int64_t published_count(const JsonReader& object, std::string_view key) {
  return object.has(key) ? object.at(key).integer(1, std::int64_t{1} << 53) : 0;
}

void read_extension(const JsonReader& object, Model& model) {
  const std::string known[] = {"title",
                               "source",
                               "published_parameters",
                               "published_active_parameters",
                               "published_active_without_embedding",
                               "placed_experts",
                               "defaults"};
  refuse_other_keys(object, known);
  model.title = line_or(object, "title", model.title);
  model.source = line_or(object, "source", model.source);
  model.published_parameters = published_count(object, "published_parameters");
  model.published_active_parameters = published_count(object, "published_active_parameters");
  model.published_active_without_embedding =
      object.boolean_or("published_active_without_embedding", false);
  if (object.has("placed_experts")) {
    model.placed_experts =
        static_cast<int>(object.at("placed_experts").integer(model.top_k, kMaxExperts));
  }
  if (object.has("defaults")) read_defaults(object.at("defaults"), model.defaults);
}

std::string name_from(std::string_view input) {
  const std::filesystem::path path(input);
  const std::string name = name_of_file(path);
  return name.empty() ? path.stem().string() : name;
}

/// What a simulation reads, of the first layers that are of its kind.
void fill(const StackShape& shape, Model& model) {
  model.hidden = static_cast<int>(shape.hidden);
  model.vocab = static_cast<int>(shape.vocab);
  model.tied_embeddings = shape.tied_embeddings;
  model.norm_bias = shape.norm_bias;
  model.head_bias = shape.head_bias;
  model.norms = shape.layers.front().norms;
  const LayerShape* sparse = nullptr;
  for (const LayerShape& layer : shape.layers) {
    model.is_moe.insert(model.is_moe.end(), static_cast<std::size_t>(layer.count),
                        layer.experts > 0);
    if (layer.experts > 0 && sparse == nullptr) sparse = &layer;
    if (layer.experts > 0) continue;
    model.dense_intermediate = std::max(model.dense_intermediate, layer.dense.width);
    model.dense_bias = layer.dense.bias;
  }
  for (const LayerShape& layer : shape.layers) {
    if (layer.mixers.empty()) continue;
    model.attention = layer.mixers.front();
    break;
  }
  model.layers = static_cast<int>(model.is_moe.size());
  model.experts = sparse->experts;
  model.placed_experts = sparse->experts;
  model.top_k = sparse->top_k;
  model.expert_intermediate = sparse->expert.width;
  model.expert_bias = sparse->expert.bias;
  model.shared_intermediate = sparse->shared.width;
  model.shared_bias = sparse->shared.bias;
  model.shared_expert_gate = sparse->shared_gate;
  model.shared_norms = sparse->shared_norms;
  model.router_bias = sparse->router.bias;
  model.router_mlp = sparse->router.mlp;
  model.router_noise = sparse->router.noise;
}

/// Node-limited routing, DeepSeek-V3's keys: a token's experts are of some groups only. V2-Lite and
/// others write one group, or null.
void read_groups(const ConfigFields& fields, Model& model) {
  const int groups = fields.size("n_group", 0, kMaxExperts).value_or(1);
  const int chosen = fields.size("topk_group", 0, kMaxExperts).value_or(groups);
  if (groups <= 1 || chosen >= groups) return;
  const int each = model.experts / groups;
  if (chosen < 1 || model.experts % groups != 0 || each * chosen < model.top_k) {
    throw Error(
        fields.find("topk_group")->place(),
        fmt::format("{} of {} groups of {} experts cannot hold {} of a token", chosen, groups,
                    model.experts, model.top_k),
        "give an n_group that divides the experts, and topk_group groups of at least that many");
  }
  model.expert_groups = groups;
  model.groups_per_token = chosen;
}

std::string note_of(const JsonReader& config, const JsonReader& text, const Model& model) {
  std::string note;
  if (&config.value() != &text.value())
    note = "the text model alone: what sees and hears is left out";
  if (model.attention.index_heads > 0) {
    if (!note.empty()) note += "; ";
    note += "simulated as if its index picked all tokens";
  }
  return note;
}

}  // namespace

Model parse_model_config(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(config_text(json, input), input);
  const JsonReader config(document, input);
  const JsonReader text = text_model(config);
  const Family& family = family_of(config, text);
  const ConfigFields fields(text, family);
  ModelStack stack = read_stack(fields);
  // The whole of a model says whether its text model's head is tied.
  if (&config.value() != &text.value() && config.has("tie_word_embeddings")) {
    stack.shape.tied_embeddings = config.at("tie_word_embeddings").boolean();
  }
  Model model;
  model.name = name_from(input);
  model.title = model.name;
  model.source = std::string(input);
  model.family = std::string(family.name);
  fill(stack.shape, model);
  read_groups(fields, model);
  if (text.has("num_nextn_predict_layers")) {
    model.published_mtp_layers =
        static_cast<int>(text.at("num_nextn_predict_layers").integer(0, kMostMtpLayers));
  }
  model.counted_only = std::move(stack.counted_only);
  model.counted = count(stack.shape);
  model.note = note_of(config, text, model);
  if (config.has("mixnet")) read_extension(config.at("mixnet"), model);
  return model;
}

}  // namespace mixnet
