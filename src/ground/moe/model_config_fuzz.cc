// Whatever the bytes, parse_model_config() gives back a Model that keeps its invariants or throws
// Error: no crash, no hang, no overflow. The bytes are the text itself or, as chance writes little
// that is JSON, choose a family and replace values in a file that has all keys.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "moe/model_config.h"
#include "moe/model_families.h"

namespace mixnet {
namespace {

using nlohmann::json;

const json& whole_file() {
  static const json file = json::parse(R"({
    "hidden_size": 64, "num_hidden_layers": 8, "num_decoder_layers": 4, "vocab_size": 1000,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "v_head_dim": 16,
    "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 12, "qk_rope_head_dim": 4,
    "intermediate_size": 128, "intermediate_size_mlp": 256, "moe_intermediate_size": 32, "d_ff": 128,
    "encoder_ffn_dim": 128, "ffn_hidden_size": 128, "expert_ffn_hidden_size": 32, "hidden_dim": 128,
    "num_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1, "shared_expert_intermediate_size": 32,
    "zero_expert_num": 4,
    "index_n_heads": 4, "index_head_dim": 8, "first_k_dense_replace": 1, "moe_layer_freq": 1,
    "decoder_sparse_step": 1, "encoder_sparse_step": 2, "mlp_only_layers": [0],
    "num_dense_layers": 1, "moe_layer_start_index": 1, "moe_layer_end_index": -1,
    "moe_layer_interval": 1, "interleave_moe_layer_step": 1, "expert_layer_period": 2,
    "expert_layer_offset": 1, "attn_layer_period": 4, "attn_layer_offset": 2, "layer_group_size": 4,
    "full_attention_interval": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8,
    "linear_num_value_heads": 4, "linear_value_head_dim": 8, "linear_conv_kernel_dim": 4,
    "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_n_heads": 8, "mamba_d_head": 16,
    "mamba_n_groups": 1, "conv_L_cache": 3, "moe_layer_frequency": 1, "cla_share_factor": 2,
    "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention", "attention",
                    "full_attention", "sliding_attention", "full_attention"],
    "mlp_layer_types": ["dense", "sparse", "sparse", "sparse", "sparse", "sparse", "sparse", "sparse"],
    "moe_layers": [1, 3], "layers_block_type": ["mamba", "moe", "attention", "mlp", "moe", "moe",
                    "attention", "mlp"], "hybrid_override_pattern": "ME*EME*-",
    "attn_type_list": [0, 1, 0, 1, 0, 1, 0, 1], "full_attn_idxs": [1, 3], "gate_network": "mlp",
    "size_experts": [[16, 16]], "topk_method": "noaux_tc", "attention_bias": true, "use_bias": true,
    "linear_attn_config": {"full_attn_layers": [4, 8], "num_heads": 4, "head_dim": 16},
    
    "ffn_config": {"ffn_hidden_size": 32}, "moe": {"expert_hidden_dim": 32},
    "tie_word_embeddings": true, "mixnet": {"placed_experts": 8}})");
  return file;
}

json odd_value(std::uint8_t choice, std::uint8_t number) {
  switch (choice % 16) {
    case 0:
      return nullptr;
    case 1:
      return number % 2 == 1;
    case 2:
      return -std::int64_t{number};
    case 3:
      return std::int64_t{1} << (number % 63);
    case 4:
      return std::ldexp(1.0, number * 4);
    case 5:
      return number + 0.5;
    case 6:
      return std::string(number % 12, 'M');
    case 7:
      return json::array();
    case 8:
      return std::vector<int>(8, number);
    case 9:
      return std::vector<int>{0, number};
    case 10:
      return json::object();
    case 11:
      return whole_file();
    case 12:
      return (std::int64_t{1} << (number % 63)) - 1;
    case 13:
      return std::vector<std::string>(8, number % 2 == 1 ? "mamba" : "full_attention");
    default:
      return number;
  }
}

/// A family's whole file, with some keys gone and some values replaced.
std::string mutated(const std::uint8_t* data, std::size_t size) {
  const auto families = model_families();
  json file = whole_file();
  if (size > 0) file["model_type"] = families[data[0] % families.size()].name;
  std::vector<std::string> keys;
  for (const auto& item : file.items()) keys.push_back(item.key());
  for (std::size_t i = 1; i + 2 < size; i += 3) {
    const std::string& key = keys[data[i] % keys.size()];
    if (data[i + 1] >= 128) {
      file.erase(key);
    } else {
      file[key] = odd_value(data[i + 1], data[i + 2]);
    }
  }
  if (size > 1 && size % 7 == 0) file = {{"text_config", file}, {"tie_word_embeddings", true}};
  return file.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool sound(const Model& model) {
  const ModelCounts counts = count_parameters(model);
  return model.is_moe.size() == static_cast<std::size_t>(model.layers) && moe_layers(model) > 0 &&
         model.top_k >= 1 && model.top_k <= model.experts && model.top_k <= model.placed_experts &&
         counts.active.total() > 0 && counts.active.total() <= counts.total.total() &&
         counts.total.total() <= 10'000'000'000'000'000 &&
         counts.total.total() == model.counted.total.total() &&
         counts.active.total() == model.counted.active.total() &&
         std::isfinite(forward_flops_per_token(model, 1 << 20));
}

}  // namespace
}  // namespace mixnet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool is_text = size == 0 || data[0] % 2 == 1 || data[0] > 127;
  const std::string text = is_text ? std::string(reinterpret_cast<const char*>(data), size)
                                   : mixnet::mutated(data + 1, size - 1);
  try {
    if (!mixnet::sound(mixnet::parse_model_config(text, "fuzz/config.json"))) std::abort();
  } catch (const mixnet::Error&) {
    return 0;
  }
  return 0;
}
