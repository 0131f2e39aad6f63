#include "moe/model_families.h"

#include <algorithm>
#include <utility>

namespace mixnet {
namespace {

using enum AttentionKind;
using enum HeadNorm;

constexpr std::string_view kIntermediate = "intermediate_size";

// What several families share with DeepSeek-V3, whose defaults differ.
constexpr Family latent(std::string_view name, std::string_view architecture,
                        std::string_view defaults, Flag router_bias = "yes") {
  return {.name = name,
          .architecture = architecture,
          .defaults = defaults,
          .attention = kMultiHeadLatent,
          .qkv_bias = "attention_bias",
          .output_bias = "attention_bias",
          .shared = SharedExperts::kCount,
          .router_bias = router_bias};
}

/// Grouped-query attention with biases by one key, and experts of moe_intermediate_size.
constexpr Family grouped(std::string_view name, std::string_view architecture,
                         std::string_view defaults, HeadNorm head_norm, SharedExperts shared,
                         Flag router_bias) {
  return {.name = name,
          .architecture = architecture,
          .defaults = defaults,
          .head_norm = head_norm,
          .qkv_bias = "attention_bias",
          .output_bias = "attention_bias",
          .shared = shared,
          .router_bias = router_bias};
}

/// The same with every feed-forward part intermediate_size wide.
constexpr Family one_width(std::string_view name, std::string_view architecture,
                           std::string_view defaults, HeadNorm head_norm = kNone,
                           SharedExperts shared = SharedExperts::kNone) {
  Family family = grouped(name, architecture, defaults, head_norm, shared, {});
  family.expert_width = kIntermediate;
  return family;
}

/// Three layers in four of linear attention, and a gate on the output of the fourth.
constexpr Family gated_delta(std::string_view name, std::string_view architecture,
                             std::string_view defaults) {
  Family family = grouped(name, architecture, defaults, kHead, SharedExperts::kWidth, {});
  family.other = kGatedDelta;
  family.gate = OutputGate::kQueries;
  family.shared_gate = true;
  return family;
}

constexpr Family with_gate(Family family, OutputGate gate, int norms) {
  family.gate = gate;
  family.norms = norms;
  return family;
}

constexpr Family with_other(Family family, AttentionKind other) {
  family.other = other;
  return family;
}

// clang-format off
constexpr Family kFamilies[] = {
    {.name = "mixtral", .architecture = "MixtralForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_experts_per_tok": "?", "num_key_value_heads": 8})",
     .expert_width = kIntermediate},
    {.name = "qwen2_moe", .architecture = "Qwen2MoeForCausalLM",
     .defaults = R"({"num_experts": "?", "qkv_bias": true, "decoder_sparse_step": 1, "num_key_value_heads": 16})",
     .qkv_bias = "qkv_bias", .shared = SharedExperts::kWidth, .shared_gate = true},
    grouped("qwen3_moe", "Qwen3MoeForCausalLM", R"({"num_experts": "?", "num_key_value_heads": 4})",
            kHead, SharedExperts::kNone, {}),
    {.name = "deepseek_v2", .architecture = "DeepseekV2ForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "n_shared_experts": 2, "first_k_dense_replace": 0})",
     .attention = kMultiHeadLatent, .qkv_bias = "attention_bias", .output_bias = "attention_bias",
     .shared = SharedExperts::kCount, .dense_bias = "mlp_bias"},
    latent("deepseek_v3", "DeepseekV3ForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 3})"),
    latent("kimi_k2", "KimiK2ForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 3})"),
    {.name = "llama_moe", .architecture = "LlamaMoEForCausalLM",
     .defaults = R"({"num_experts": "?", "num_selects": "?", "gate_network": "mlp", "gate_add_noise": true})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .expert_width = kIntermediate,
     .experts_cut = true},
    {.name = "gpt_oss", .architecture = "GptOssForCausalLM",
     .defaults = R"({"num_local_experts": "?", "attention_bias": true, "num_key_value_heads": 8, "head_dim": 64})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .sinks = "yes",
     .expert_width = kIntermediate, .router_bias = "yes", .expert_bias = "yes"},
    one_width("olmoe", "OlmoeForCausalLM", R"({"num_experts": "?"})", kAllHeads),

    {.name = "deepseek", .architecture = "DeepseekForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "first_k_dense_replace": 0})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .shared = SharedExperts::kCount},
    latent("deepseek_v32", "DeepseekV32ForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 3, "index_n_heads": 64, "index_head_dim": 128})"),
    {.name = "glm4_moe", .architecture = "Glm4MoeForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 1, "num_key_value_heads": 8})",
     .head_norm = kHead, .head_norm_if = "use_qk_norm", .qkv_bias = "attention_bias",
     .shared = SharedExperts::kCount, .router_bias = "yes"},
    {.name = "glm4v_moe", .architecture = "Glm4vMoeForConditionalGeneration",
     .defaults = R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 1, "num_key_value_heads": 8, "attention_bias": true})",
     .qkv_bias = "attention_bias", .shared = SharedExperts::kCount, .router_bias = "yes"},
    latent("glm4_moe_lite", "Glm4MoeLiteForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 1})"),
    latent("glm_moe_dsa", "GlmMoeDsaForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 3, "index_n_heads": 32, "index_head_dim": 128})"),
    {.name = "llama4", .architecture = "Llama4ForConditionalGeneration",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 8, "head_dim": 128, "interleave_moe_layer_step": 1})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .expert_width = kIntermediate,
     .dense_width = "intermediate_size_mlp", .shared = SharedExperts::kOne},
    grouped("qwen3_vl_moe", "Qwen3VLMoeForConditionalGeneration",
            R"({"num_experts": "?", "num_key_value_heads": 16, "head_dim": 128, "tie_word_embeddings": false})",
            kHead, SharedExperts::kNone, {}),
    grouped("qwen3_omni_moe", "Qwen3OmniMoeForConditionalGeneration",
            R"({"num_experts": "?", "num_key_value_heads": 4, "tie_word_embeddings": false})",
            kHead, SharedExperts::kNone, {}),
    gated_delta("qwen3_next", "Qwen3NextForCausalLM",
                R"({"num_experts": "?", "num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32})"),
    gated_delta("qwen3_5_moe", "Qwen3_5MoeForConditionalGeneration",
                R"({"num_experts": "?", "num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32})"),
    {.name = "minimax_m2", .architecture = "MiniMaxM2ForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 8, "head_dim": 128})",
     .head_norm = kAllHeads, .expert_width = kIntermediate, .router_bias = "yes"},
    {.name = "minimax", .architecture = "MiniMaxForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 8, "attn_layer_period": 2, "attn_layer_offset": 0})",
     .other = kLightning, .expert_width = kIntermediate},
    {.name = "minimax_text_01", .architecture = "MiniMaxText01ForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 8})",
     .other = kLightning, .expert_width = kIntermediate},
    {.name = "ernie4_5_moe", .architecture = "Ernie4_5_MoeForCausalLM",
     .defaults = R"({"moe_num_experts": "?", "moe_k": "?", "num_key_value_heads": 4, "moe_num_shared_experts": 2, "moe_layer_start_index": 1, "moe_layer_interval": 1, "tie_word_embeddings": true})",
     .qkv_bias = "use_bias", .output_bias = "use_bias", .shared = SharedExperts::kCount,
     .router_bias = "yes", .expert_bias = {}, .dense_bias = "use_bias", .head_bias = "use_bias"},
    one_width("hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM",
              R"({"num_experts": "?", "moe_topk": "?"})", kHead, SharedExperts::kOne),
    {.name = "hunyuan", .architecture = "HunYuanForCausalLM",
     .defaults = R"({"num_experts": "?", "moe_topk": "?", "num_shared_expert": 1, "cla_share_factor": 1, "tie_word_embeddings": true})",
     .head_norm = kHead, .head_norm_if = "use_qk_norm", .qkv_bias = "attention_bias",
     .output_bias = "attention_bias", .heads_share = "cla_share_factor", .heads_share_if = "use_cla",
     .expert_width = kIntermediate, .shared = SharedExperts::kCount},
    {.name = "grok-1", .architecture = "Grok1ModelForCausalLM",
     .defaults = R"({"num_experts": "?", "tie_word_embeddings": true})",
     .expert_width = kIntermediate, .norms = 4},
    {.name = "dbrx", .architecture = "DbrxForCausalLM",
     .defaults = R"({"ffn_config.moe_num_experts": "?", "ffn_config.moe_top_k": "?", "attn_config.kv_n_heads": "?"})",
     .expert_width = "ffn_config.ffn_hidden_size"},
    {.name = "phimoe", .architecture = "PhimoeForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 8})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .expert_width = kIntermediate,
     .norm_bias = true, .head_bias = "lm_head_bias"},
    one_width("granitemoe", "GraniteMoeForCausalLM", R"({"num_local_experts": "?"})"),
    one_width("granitemoeshared", "GraniteMoeSharedForCausalLM", R"({"num_local_experts": "?", "shared_intermediate_size": 0})",
              kNone, SharedExperts::kWidth),
    with_other(one_width("granitemoehybrid", "GraniteMoeHybridForCausalLM",
                         R"({"num_local_experts": "?", "shared_intermediate_size": 1024, "mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_conv_bias": true, "mamba_proj_bias": false})",
                         kNone, SharedExperts::kWidth), kStateSpace2),
    one_width("flex_olmo", "FlexOlmoForCausalLM", R"({"num_experts": "?"})", kAllHeads),
    {.name = "jamba", .architecture = "JambaForCausalLM",
     .defaults = R"({"num_experts": "?", "num_key_value_heads": 8, "expert_layer_period": 2, "expert_layer_offset": 1, "attn_layer_period": 8, "attn_layer_offset": 4, "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_conv_bias": true})",
     .other = kStateSpace, .expert_width = kIntermediate},
    {.name = "jetmoe", .architecture = "JetMoeForCausalLM",
     .defaults = R"({"num_local_experts": "?", "num_key_value_heads": 16, "kv_channels": 128, "tie_word_embeddings": true})",
     .attention = kExpertHeads, .expert_width = kIntermediate, .sum_bias = true},
    {.name = "arctic", .architecture = "ArcticForCausalLM",
     .defaults = R"({"num_local_experts": "?", "moe_layer_frequency": 2})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .expert_width = kIntermediate,
     .shared = SharedExperts::kHidden},
    {.name = "longcat_flash", .architecture = "LongcatFlashForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "moe_topk": "?", "num_layers": "?", "q_lora_rank": 1536, "zero_expert_num": 256})",
     .attention = kMultiHeadLatent, .mixers = 2, .qkv_bias = "attention_bias",
     .output_bias = "attention_bias", .expert_width = "expert_ffn_hidden_size",
     .dense_width = "ffn_hidden_size", .router_bias = "yes", .dense_beside = true, .norms = 4},
    grouped("dots1", "Dots1ForCausalLM", R"({"n_routed_experts": "?", "first_k_dense_replace": 0})", kHead,
            SharedExperts::kCount, "yes"),
    {.name = "bailing_moe", .architecture = "BailingMoeForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 0, "first_k_dense_replace": 0})",
     .qkv_bias = "use_qkv_bias", .output_bias = "use_bias", .shared = SharedExperts::kCount},
    {.name = "bailing_moe_v2", .architecture = "BailingMoeV2ForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 0, "first_k_dense_replace": 0, "use_qk_norm": true, "moe_router_enable_expert_bias": true})",
     .head_norm = kHead, .head_norm_if = "use_qk_norm", .qkv_bias = "use_qkv_bias",
     .output_bias = "use_bias", .shared = SharedExperts::kCount,
     .router_bias = "moe_router_enable_expert_bias"},
    {.name = "bailing_moe_linear", .architecture = "BailingMoeLinearV2ForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 0, "first_k_dense_replace": 0, "layer_group_size": 1, "use_qk_norm": true, "moe_router_enable_expert_bias": true})",
     .other = kLightning, .head_norm = kHead, .head_norm_if = "use_qk_norm",
     .qkv_bias = "use_qkv_bias", .output_bias = "use_bias", .shared = SharedExperts::kCount,
     .router_bias = "moe_router_enable_expert_bias"},
    {.name = "bailing_hybrid", .architecture = "BailingHybridForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 1, "first_k_dense_replace": 2, "layer_group_size": 6, "q_lora_rank": 0, "linear_head_dim": 128, "linear_conv_kernel_dim": 4})",
     .attention = kMultiHeadLatent, .other = kKimiDelta, .gate = OutputGate::kHeads,
     .shared = SharedExperts::kCount, .router_bias = "yes"},
    {.name = "kimi_linear", .architecture = "KimiLinearForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 1, "first_k_dense_replace": 1, "q_lora_rank": 0, "linear_head_dim": 128, "linear_conv_kernel_dim": 4})",
     .attention = kMultiHeadLatent, .other = kKimiDelta, .shared = SharedExperts::kCount,
     .router_bias = "yes"},
    {.name = "lfm2_moe", .architecture = "Lfm2MoeForCausalLM",
     .defaults = R"({"num_experts": "?", "num_key_value_heads": 8, "num_dense_layers": 2, "conv_L_cache": 3, "use_expert_bias": true, "tie_word_embeddings": true})",
     .other = kShortConvolution, .head_norm = kHead, .router_bias = "use_expert_bias"},
    {.name = "aria", .architecture = "AriaForConditionalGeneration",
     .defaults = R"({"moe_num_experts": "?", "moe_topk": "?", "moe_num_shared_experts": 2})",
     .qkv_bias = "attention_bias", .output_bias = "attention_bias", .expert_width = kIntermediate,
     .shared = SharedExperts::kCount, .dense_bias = "mlp_bias"},
    {.name = "nemotron_h", .architecture = "NemotronHForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "num_key_value_heads": 8, "head_dim": 128, "ssm_state_size": 128, "mamba_num_heads": 128, "mamba_head_dim": 64, "n_groups": 8, "conv_kernel": 4, "use_conv_bias": true})",
     .other = kStateSpace2, .qkv_bias = "attention_bias", .output_bias = "attention_bias",
     .gated = false, .shared = SharedExperts::kWidth, .router_bias = "yes", .expert_bias = "mlp_bias",
     .dense_bias = "mlp_bias", .one_part = true, .norms = 1},

    with_gate({.name = "afmoe", .architecture = "AfmoeForCausalLM",
               .defaults = R"({"num_experts": "?", "num_shared_experts": 2, "num_dense_layers": 1})",
               .head_norm = kHead, .qkv_bias = "attention_bias", .output_bias = "attention_bias",
               .shared = SharedExperts::kCount, .router_bias = "yes"},
              OutputGate::kQueries, 4),
    {.name = "exaone_moe", .architecture = "ExaoneMoeForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 1, "first_k_dense_replace": 1})",
     .head_norm = kHead, .shared = SharedExperts::kCount, .router_bias = "yes"},
    {.name = "solar_open", .architecture = "SolarOpenForCausalLM",
     .defaults = R"({"n_routed_experts": "?", "n_shared_experts": 1, "head_dim": 128})",
     .qkv_bias = "attention_bias", .shared = SharedExperts::kCount, .router_bias = "yes"},
    {.name = "sarvam_moe", .architecture = "SarvamMoEForCausalLM",
     .defaults = R"({"num_experts": "?", "num_shared_experts": 1, "first_k_dense_replace": 1, "use_qk_norm": true})",
     .head_norm = kHead, .head_norm_if = "use_qk_norm", .qkv_bias = "use_qkv_bias",
     .output_bias = "use_bias", .shared = SharedExperts::kCount, .router_bias = "yes"},
    grouped("hy_v3", "HYV3ForCausalLM",
            R"({"num_experts": "?", "num_shared_experts": 1, "first_k_dense_replace": 1, "head_dim": 128})",
            kHead, SharedExperts::kCount, "yes"),
    grouped("mellum", "MellumForCausalLM", R"({"num_experts": "?", "head_dim": 128})", kHead,
            SharedExperts::kNone, {}),
    with_gate(grouped("laguna", "LagunaForCausalLM",
                      R"({"num_experts": "?", "num_key_value_heads": 8, "head_dim": 128})", kHead,
                      SharedExperts::kWidth, "yes"),
              OutputGate::kHeads, 2),
    latent("mistral4", "Mistral4ForCausalLM",
           R"({"n_routed_experts": "?", "n_shared_experts": 1, "first_k_dense_replace": 0})", {}),

    // What Mistral publishes beside: params.json, which names no family.
    {.name = "mistral params.json", .architecture = "",
     .defaults = R"({"moe.num_experts": "?", "moe.num_experts_per_tok": "?", "dim": "?", "n_layers": "?", "n_heads": "?"})",
     .expert_width = "hidden_dim"},
    {.name = "mistral params.json (latent attention)", .architecture = "",
     .defaults = R"({"moe.num_experts": "?", "moe.num_experts_per_tok": "?", "dim": "?", "n_layers": "?", "n_heads": "?"})",
     .attention = kMultiHeadLatent, .expert_width = "moe.expert_hidden_dim",
     .dense_width = "hidden_dim", .shared = SharedExperts::kCount},

    {.name = "switch_transformers", .architecture = "SwitchTransformersForConditionalGeneration",
     .defaults = R"({"num_experts": "?", "num_layers": "?", "d_ff": "?", "d_kv": "?", "num_heads": "?", "num_experts_per_tok": 1, "relative_attention_num_buckets": 32, "first_sparse_layer": 1, "tie_word_embeddings": true, "router_bias": false})",
     .expert_width = "d_ff", .dense_width = "d_ff", .gated = false, .router_bias = "router_bias",
     .encoder_decoder = true},
    {.name = "nllb-moe", .architecture = "NllbMoeForConditionalGeneration",
     .defaults = R"({"num_experts": "?", "encoder_layers": "?", "encoder_attention_heads": "?", "encoder_ffn_dim": "?", "num_experts_per_tok": 2, "tie_word_embeddings": true, "router_bias": false})",
     .qkv_bias = "yes", .output_bias = "yes", .expert_width = "encoder_ffn_dim",
     .dense_width = "encoder_ffn_dim", .gated = false, .router_bias = "router_bias",
     .expert_bias = "yes", .dense_bias = "yes", .encoder_decoder = true, .norm_bias = true},
};
// clang-format on

/// Other names of a row: of wrappers, of files whose keys are the row's.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"kimi_k25", "kimi_k2"},
    {"kimi_vl", "deepseek_v3"},
    {"deepseek_vl_v2", "deepseek_v2"},
    {"qwen3_omni_moe_thinker", "qwen3_omni_moe"},
    {"granitemoe_hybrid", "granitemoehybrid"},
    {"minimax_m1", "minimax_text_01"},
    {"minimax/MiniMaxM2ForCausalLM", "minimax_m2"},
    {"MiniMaxM1ForCausalLM", "minimax_text_01"},
    {"hunyuan_moe", "hunyuan"},
    {"HunYuanMoEForCausalLM", "hunyuan"},
    {"grok", "grok-1"},
    {"ring_moe_linear", "bailing_moe_linear"},
    {"Llama4ForCausalLM", "llama4"},
    {"Grok1ForCausalLM", "grok-1"},
    {"PhiMoEForCausalLM", "phimoe"},
};

}  // namespace

std::span<const Family> model_families() { return kFamilies; }

const Family* find_family(std::string_view name) {
  if (name.ends_with("_text")) name.remove_suffix(5);
  for (const auto& [alias, row] : kAliases) {
    if (name == alias) name = row;
  }
  const auto found = std::ranges::find_if(kFamilies, [&](const Family& family) {
    return family.name == name || family.architecture == name;
  });
  return found == std::end(kFamilies) ? nullptr : &*found;
}

}  // namespace mixnet
