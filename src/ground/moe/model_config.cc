#include "moe/model_config.h"

#include <fmt/format.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/suggest.h"

namespace mixnet {
namespace {

// The largest sizes taken: far above any model, and small enough that one layer's parameters fit
// into 64 bits, so that check_total() can multiply before it refuses.
constexpr std::int64_t kMaxLayers = 1 << 13;
constexpr std::int64_t kMaxHidden = 1 << 20;
constexpr std::int64_t kMaxVocab = 1 << 26;
constexpr std::int64_t kMaxHeads = 1 << 12;
constexpr std::int64_t kMaxHeadDim = 1 << 13;
constexpr std::int64_t kMaxRank = 1 << 17;
constexpr std::int64_t kMaxIntermediate = 1 << 22;
constexpr std::int64_t kMaxExperts = 1 << 16;
constexpr std::int64_t kMaxPlan = 1 << 22;
constexpr std::int64_t kMaxBatch = std::int64_t{1} << 32;
constexpr std::int64_t kMaxParameters = 10'000'000'000'000'000;

int size_at(const JsonReader& object, std::string_view key, std::int64_t most) {
  return static_cast<int>(object.at(key).integer(1, most));
}

int size_or(const JsonReader& object, std::string_view key, int otherwise, std::int64_t most) {
  return object.has(key) ? size_at(object, key, most) : otherwise;
}

/// 0 for null; the key itself must be there, as its absence says nothing.
int size_or_null(const JsonReader& object, std::string_view key, std::int64_t most) {
  const auto found = object.value().find(std::string(key));
  if (found != object.value().end() && found->is_null()) return 0;
  return static_cast<int>(object.at(key).integer(0, most));
}

/// Whether a family's own reader fills the key in when it is absent or null.
enum class KvHeads { kRequired, kDefaultToHeads };
enum class HeadDim { kRequired, kDefaultToHiddenOverHeads };

Attention grouped_query_attention(const JsonReader& config, int hidden,
                                  KvHeads kv_heads = KvHeads::kRequired,
                                  HeadDim head_dim = HeadDim::kDefaultToHiddenOverHeads) {
  Attention attention;
  attention.kind = AttentionKind::kGroupedQuery;
  attention.heads = size_at(config, "num_attention_heads", kMaxHeads);
  attention.kv_heads = kv_heads == KvHeads::kDefaultToHeads
                           ? size_or(config, "num_key_value_heads", attention.heads, kMaxHeads)
                           : size_at(config, "num_key_value_heads", kMaxHeads);
  if (attention.heads % attention.kv_heads != 0) {
    throw Error(config.at("num_key_value_heads").place(),
                fmt::format("{} does not divide the {} attention heads", attention.kv_heads,
                            attention.heads));
  }
  if (head_dim == HeadDim::kRequired || config.has("head_dim")) {
    attention.head_dim = size_at(config, "head_dim", kMaxHeadDim);
  } else if (hidden % attention.heads == 0) {
    attention.head_dim = hidden / attention.heads;
  } else {
    throw Error(config.at("num_attention_heads").place(),
                fmt::format("{} does not divide hidden_size {}", attention.heads, hidden),
                "give head_dim, or a number of heads that divides hidden_size");
  }
  return attention;
}

/// DeepSeek's: biases, where there are any, are on the down-projections and on the output.
Attention latent_attention(const JsonReader& config) {
  Attention attention;
  attention.kind = AttentionKind::kMultiHeadLatent;
  attention.heads = size_at(config, "num_attention_heads", kMaxHeads);
  attention.kv_heads = attention.heads;
  attention.q_lora_rank = size_or_null(config, "q_lora_rank", kMaxRank);
  attention.kv_lora_rank = size_at(config, "kv_lora_rank", kMaxRank);
  attention.qk_nope_head_dim = size_at(config, "qk_nope_head_dim", kMaxHeadDim);
  attention.qk_rope_head_dim = size_at(config, "qk_rope_head_dim", kMaxHeadDim);
  attention.v_head_dim = size_at(config, "v_head_dim", kMaxHeadDim);
  attention.head_dim = attention.qk_nope_head_dim + attention.qk_rope_head_dim;
  attention.qkv_bias = config.boolean_or("attention_bias", false);
  attention.output_bias = attention.qkv_bias;
  return attention;
}

void set_bias(const JsonReader& config, Attention& attention, bool otherwise) {
  attention.qkv_bias = config.boolean_or("attention_bias", otherwise);
  attention.output_bias = attention.qkv_bias;
}

void set_experts(const JsonReader& config, Model& model, std::string_view experts_key,
                 std::string_view top_k_key) {
  model.experts = size_at(config, experts_key, kMaxExperts);
  model.placed_experts = model.experts;
  model.top_k = size_at(config, top_k_key, kMaxExperts);
  if (model.top_k > model.experts) {
    throw Error(config.at(top_k_key).place(),
                fmt::format("{} experts a token are more than the {} of '{}'", model.top_k,
                            model.experts, experts_key));
  }
}

void require_moe_layer(const JsonReader& config, const Model& model, std::string_view key) {
  if (moe_layers(model) > 0) return;
  throw Error(config.has(key) ? config.at(key).place() : config.place(),
              "leaves no layer with experts", "this program is about models that have some");
}

void set_dense_intermediate(const JsonReader& config, Model& model) {
  if (moe_layers(model) == model.layers) return;
  model.dense_intermediate = size_at(config, "intermediate_size", kMaxIntermediate);
}

void read_mixtral(const JsonReader& config, Model& model) {
  model.attention = grouped_query_attention(config, model.hidden);
  set_experts(config, model, "num_local_experts", "num_experts_per_tok");
  model.expert_intermediate = size_at(config, "intermediate_size", kMaxIntermediate);
}

/// What Qwen2-MoE and Qwen3-MoE share: which layers are dense, and the width of an expert.
void read_qwen_experts(const JsonReader& config, Model& model) {
  set_experts(config, model, "num_experts", "num_experts_per_tok");
  model.expert_intermediate = size_at(config, "moe_intermediate_size", kMaxIntermediate);
  const int step = size_or(config, "decoder_sparse_step", 1, kMaxLayers);
  for (int layer = 0; layer < model.layers; ++layer) {
    model.is_moe[static_cast<std::size_t>(layer)] = (layer + 1) % step == 0;
  }
  if (config.has("mlp_only_layers")) {
    const JsonReader dense = config.at("mlp_only_layers");
    for (std::size_t i = 0; i < dense.size(); ++i) {
      model.is_moe[static_cast<std::size_t>(dense.at(i).integer(0, model.layers - 1))] = false;
    }
  }
  require_moe_layer(config, model, step > 1 ? "decoder_sparse_step" : "mlp_only_layers");
  set_dense_intermediate(config, model);
}

void read_qwen2_moe(const JsonReader& config, Model& model) {
  model.attention = grouped_query_attention(config, model.hidden);
  model.attention.qkv_bias = config.boolean_or("qkv_bias", true);
  read_qwen_experts(config, model);
  model.shared_intermediate = size_at(config, "shared_expert_intermediate_size", kMaxIntermediate);
  model.shared_expert_gate = true;
}

void read_qwen3_moe(const JsonReader& config, Model& model) {
  model.attention =
      grouped_query_attention(config, model.hidden, KvHeads::kRequired, HeadDim::kRequired);
  set_bias(config, model.attention, false);
  model.attention.query_norm_width = model.attention.head_dim;
  model.attention.key_norm_width = model.attention.head_dim;
  read_qwen_experts(config, model);
}

void read_deepseek_v2(const JsonReader& config, Model& model) {
  model.attention = latent_attention(config);
  set_experts(config, model, "n_routed_experts", "num_experts_per_tok");
  model.expert_intermediate = size_at(config, "moe_intermediate_size", kMaxIntermediate);
  const std::int64_t shared = size_or_null(config, "n_shared_experts", kMaxExperts);
  const std::int64_t shared_width = shared * model.expert_intermediate;
  if (shared_width > kMaxIntermediate) {
    throw Error(config.at("n_shared_experts").place(),
                fmt::format("{} shared experts are {} wide together", shared, shared_width),
                fmt::format("up to {} are possible", kMaxIntermediate));
  }
  model.shared_intermediate = static_cast<int>(shared_width);
  const std::int64_t first = config.at("first_k_dense_replace").integer(0, kMaxLayers);
  const int step = size_or(config, "moe_layer_freq", 1, kMaxLayers);
  for (int layer = 0; layer < model.layers; ++layer) {
    model.is_moe[static_cast<std::size_t>(layer)] = layer >= first && layer % step == 0;
  }
  require_moe_layer(config, model, "first_k_dense_replace");
  set_dense_intermediate(config, model);
}

/// As V2, with a learned bias per expert to balance their load ("noaux_tc").
void read_deepseek_v3(const JsonReader& config, Model& model) {
  read_deepseek_v2(config, model);
  model.router_bias = config.string_or("topk_method", "noaux_tc") == "noaux_tc";
}

/// The experts are slices of LLaMA's feed-forward part. `size_experts`, where it is given, lists
/// their widths layer by layer; unequal ones are refused, as a Model has one width.
void read_llama_moe(const JsonReader& config, Model& model) {
  model.attention = grouped_query_attention(config, model.hidden, KvHeads::kDefaultToHeads);
  set_bias(config, model.attention, false);
  set_experts(config, model, "num_experts", "num_selects");
  const int width = size_at(config, "intermediate_size", kMaxIntermediate);
  if (width % model.experts != 0) {
    throw Error(config.at("intermediate_size").place(),
                fmt::format("{} cannot be cut into {} equal experts", width, model.experts));
  }
  model.expert_intermediate = width / model.experts;
  if (config.has("size_experts")) {
    const JsonReader layers = config.at("size_experts");
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      const JsonReader widths = layers.at(layer);
      for (std::size_t expert = 0; expert < widths.size(); ++expert) {
        const JsonReader cell = widths.at(expert);
        if (cell.integer(1, kMaxIntermediate) == model.expert_intermediate) continue;
        throw Error(cell.place(), "experts of different widths cannot be modelled",
                    fmt::format("all must be intermediate_size / num_experts = {}",
                                model.expert_intermediate));
      }
    }
  }
  const std::string gate = config.string_or("gate_network", "mlp");
  if (gate != "mlp" && gate != "linear") {
    throw Error(config.at("gate_network").place(), fmt::format("'{}' is unknown", gate),
                "give mlp or linear");
  }
  model.router_mlp = gate == "mlp";
  model.router_noise = config.boolean_or("gate_add_noise", true);
}

void read_gpt_oss(const JsonReader& config, Model& model) {
  model.attention =
      grouped_query_attention(config, model.hidden, KvHeads::kRequired, HeadDim::kRequired);
  set_bias(config, model.attention, true);
  model.attention.sinks = true;
  const bool short_key = !config.has("num_experts_per_tok") && config.has("experts_per_token");
  set_experts(config, model, "num_local_experts",
              short_key ? "experts_per_token" : "num_experts_per_tok");
  model.expert_intermediate = size_at(config, "intermediate_size", kMaxIntermediate);
  model.expert_bias = true;
  model.router_bias = true;
}

void read_olmoe(const JsonReader& config, Model& model) {
  model.attention = grouped_query_attention(config, model.hidden, KvHeads::kDefaultToHeads);
  set_bias(config, model.attention, false);
  model.attention.query_norm_width = model.attention.heads * model.attention.head_dim;
  model.attention.key_norm_width = model.attention.kv_heads * model.attention.head_dim;
  set_experts(config, model, "num_experts", "num_experts_per_tok");
  model.expert_intermediate = size_at(config, "intermediate_size", kMaxIntermediate);
}

struct Family {
  std::string_view name;
  std::string_view architecture;
  void (*read)(const JsonReader&, Model&);
};

constexpr Family kFamilies[] = {
    {"mixtral", "MixtralForCausalLM", read_mixtral},
    {"qwen2_moe", "Qwen2MoeForCausalLM", read_qwen2_moe},
    {"qwen3_moe", "Qwen3MoeForCausalLM", read_qwen3_moe},
    {"deepseek_v2", "DeepseekV2ForCausalLM", read_deepseek_v2},
    {"deepseek_v3", "DeepseekV3ForCausalLM", read_deepseek_v3},
    {"kimi_k2", "KimiK2ForCausalLM", read_deepseek_v3},
    {"llama_moe", "LlamaMoEForCausalLM", read_llama_moe},
    {"gpt_oss", "GptOssForCausalLM", read_gpt_oss},
    {"olmoe", "OlmoeForCausalLM", read_olmoe},
};

const Family& family_of(const JsonReader& config) {
  const bool by_type = config.has("model_type");
  if (!by_type && !config.has("architectures")) {
    throw Error(config.place(), "key 'model_type' is missing",
                "give a config.json of a Mixture-of-Experts model");
  }
  const JsonReader place =
      by_type ? config.at("model_type") : config.at("architectures").at(std::size_t{0});
  const std::string given = place.string();
  std::vector<std::string> known;
  for (const Family& family : kFamilies) {
    const std::string_view candidate = by_type ? family.name : family.architecture;
    if (given == candidate) return family;
    known.emplace_back(candidate);
  }
  throw Error(place.place(), fmt::format("'{}' is not a family of models that can be read", given),
              suggest(given, known));
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
  defaults.tp = size_or(object, "tp", 0, kMaxPlan);
  defaults.pp = size_or(object, "pp", 0, kMaxPlan);
  defaults.ep = size_or(object, "ep", 0, kMaxPlan);
  defaults.micro_batch_size = size_or(object, "micro_batch_size", 0, kMaxPlan);
  defaults.seq_length = size_or(object, "seq_length", 0, kMaxPlan);
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

void check_total(const JsonReader& config, const Model& model) {
  const std::int64_t layer = expert_parameters(model) * model.experts;
  if (layer <= kMaxParameters / model.layers && total_parameters(model) <= kMaxParameters) return;
  throw Error(config.place(), "the sizes make over 1e16 parameters",
              "check num_hidden_layers, hidden_size, the number of experts and their width");
}

std::string name_from(std::string_view input) {
  const std::filesystem::path path(input);
  const std::string folder = path.parent_path().filename().string();
  const bool named_by_folder =
      path.filename() == "config.json" && !folder.empty() && folder != "." && folder != "..";
  return named_by_folder ? folder : path.stem().string();
}

}  // namespace

Model parse_model_config(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(json, input);
  const JsonReader config(document, input);
  const Family& family = family_of(config);
  Model model;
  model.name = name_from(input);
  model.title = model.name;
  model.source = std::string(input);
  model.family = std::string(family.name);
  model.layers = size_at(config, "num_hidden_layers", kMaxLayers);
  model.hidden = size_at(config, "hidden_size", kMaxHidden);
  model.vocab = size_at(config, "vocab_size", kMaxVocab);
  // Absent means false: that is the default of every family here.
  model.tied_embeddings = config.boolean_or("tie_word_embeddings", false);
  model.is_moe.assign(static_cast<std::size_t>(model.layers), true);
  family.read(config, model);
  if (config.has("mixnet")) read_extension(config.at("mixnet"), model);
  check_total(config, model);
  return model;
}

}  // namespace mixnet
