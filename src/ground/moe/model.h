// What a Mixture-of-Experts transformer is, as far as time and traffic depend on it: shapes of the
// layers, how many experts and how many of them a token visits. Weights, tokenizers and numerics
// are no part of it.
//
// A layer is attention followed by a feed-forward part, which is either dense or a router with
// routed experts and, in some families, shared experts that every token visits. All feed-forward
// parts are gated (three matrices: gate, up, down), as in every family that model_config.h reads.
//
// Counting. All counts are of parameters (not bytes), from the shapes alone:
//   total = embedding + head + final norm + sum over layers of
//           attention (norms of the layer included) + (dense FFN | router + experts + shared)
// Multi-token-prediction layers (DeepSeek-V3's 11.5 B) are not counted: the published 671 B leave
// them out too. `active` is the same sum with top_k experts in place of all of them, input
// embedding and head included, which is how most papers count.
//
// Invariants, which parse_model_config() upholds and whoever fills a Model by hand must: all sizes
// that are not documented as "0 when none" are at least 1; is_moe has `layers` entries, at least
// one of them true; top_k <= placed_experts; total_parameters fits (it is refused above 1e16).
//
// A Model is a plain value; the functions are pure and take constant time, moe_layers() and what
// uses it O(layers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mixnet {

inline constexpr int kBytesPerNumber = 2;  ///< bf16: activations, and the weights computed with

enum class AttentionKind {
  kGroupedQuery,    ///< kv_heads shared by groups of heads; multi-head is kv_heads == heads
  kMultiHeadLatent  ///< DeepSeek's MLA: queries and keys/values through low-rank latents
};

struct Attention {
  AttentionKind kind = AttentionKind::kGroupedQuery;
  int heads = 1;
  int kv_heads = 1;
  int head_dim = 1;  ///< of grouped-query; for MLA the width of a query or key (nope + rope)
  // Multi-head latent only, else 0.
  int q_lora_rank = 0;  ///< 0: queries are projected directly (DeepSeek-V2-Lite)
  int kv_lora_rank = 0;
  int qk_nope_head_dim = 0;
  int qk_rope_head_dim = 0;
  int v_head_dim = 0;
  // What few weights sit beside the matrices.
  bool qkv_bias = false;
  bool output_bias = false;
  bool sinks = false;        ///< one learned logit per head (gpt-oss)
  int query_norm_width = 0;  ///< RMSNorm on queries: head_dim (Qwen3), heads * head_dim (OLMoE)
  int key_norm_width = 0;    ///< the same on keys
};

/// The training plan that a preset comes with; 0 = not given. model_catalog.h, docs/models.md.
struct ModelDefaults {
  int tp = 0;
  int pp = 0;
  int ep = 0;
  int micro_batch_size = 0;            ///< sequences
  int seq_length = 0;                  ///< tokens
  std::int64_t global_batch_size = 0;  ///< sequences
};

struct Model {
  using Defaults = ModelDefaults;

  std::string name;    ///< as typed by users: "mixtral-8x7b"
  std::string title;   ///< as people write it: "Mixtral 8x7B"
  std::string source;  ///< where the numbers are from
  std::string family;  ///< HuggingFace's model_type: "mixtral", "deepseek_v3", ...

  int layers = 1;
  int hidden = 1;
  int vocab = 1;
  Attention attention;
  bool tied_embeddings = false;  ///< the head is the input embedding again

  int dense_intermediate = 0;  ///< FFN width of layers without experts; 0 when all have experts
  int experts = 1;             ///< routed experts that exist, per layer: what parameters count
  /// Routed experts as laid out on EP ranks and routed to. Equal to `experts`, save where a study
  /// rounds up to divide evenly (the MixNet paper places Qwen-MoE's 60 as 64).
  int placed_experts = 1;
  int top_k = 1;
  int expert_intermediate = 1;
  int shared_intermediate = 0;      ///< width of the shared experts together, 0 when none
  bool shared_expert_gate = false;  ///< a learned scalar gate on the shared experts (Qwen2-MoE)
  bool expert_bias = false;         ///< biases in the experts' matrices (gpt-oss)
  bool router_bias = false;         ///< a bias per expert (gpt-oss, DeepSeek-V3's load balancing)
  /// LLaMA-MoE's router: a second E x E matrix and a noise projection as wide as the first.
  bool router_mlp = false;
  bool router_noise = false;
  std::vector<bool> is_moe;  ///< per layer

  std::int64_t published_parameters = 0;         ///< 0 when unknown
  std::int64_t published_active_parameters = 0;  ///< per token; 0 when unknown
  /// gpt-oss's authors leave the input embedding out of their active count.
  bool published_active_without_embedding = false;
  Defaults defaults;
};

int moe_layers(const Model& model);

/// One layer's attention with its own norms (on queries, keys or latents) and the layer's two
/// RMSNorms, the one before attention and the one before the feed-forward part.
std::int64_t attention_parameters(const Model& model);
std::int64_t expert_parameters(const Model& model);         ///< one routed expert
std::int64_t shared_expert_parameters(const Model& model);  ///< one layer's, with their gate
std::int64_t dense_ffn_parameters(const Model& model);      ///< one layer without experts
std::int64_t router_parameters(const Model& model);         ///< one layer's
/// Input embedding and head (one matrix when tied). The final norm is not in it.
std::int64_t embedding_parameters(const Model& model);

std::int64_t total_parameters(const Model& model);
std::int64_t active_parameters(const Model& model);  ///< those that one token passes through

}  // namespace mixnet
