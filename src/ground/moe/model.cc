#include "moe/model.h"

#include <algorithm>

namespace mixnet {
namespace {

using Count = std::int64_t;

Count gated_ffn(Count hidden, Count intermediate) { return 3 * hidden * intermediate; }

Count grouped_query(const Attention& a, Count hidden) {
  const Count queries = Count{a.heads} * a.head_dim;
  const Count keys = Count{a.kv_heads} * a.head_dim;
  return hidden * (queries + 2 * keys) + queries * hidden + (a.qkv_bias ? queries + 2 * keys : 0) +
         (a.output_bias ? hidden : 0);
}

// DeepSeek-V2 (arXiv 2405.04434), section 2.1. The rotary part of the key is shared by all heads
// and comes straight from the down-projection. Biases sit on the down-projections only.
Count multi_head_latent(const Attention& a, Count hidden) {
  const Count query_width = Count{a.heads} * (Count{a.qk_nope_head_dim} + a.qk_rope_head_dim);
  const Count query_latent = a.q_lora_rank;
  const Count latent = a.kv_lora_rank;
  const Count down_kv = latent + a.qk_rope_head_dim;
  Count count = query_latent > 0 ? hidden * query_latent + query_latent + query_latent * query_width
                                 : hidden * query_width;
  count += hidden * down_kv + latent;
  count += latent * a.heads * (Count{a.qk_nope_head_dim} + a.v_head_dim);
  count += Count{a.heads} * a.v_head_dim * hidden;
  if (a.qkv_bias) count += query_latent + down_kv;
  if (a.output_bias) count += hidden;
  return count;
}

Count count_all(const Model& model, Count experts_counted) {
  const Count sparse = moe_layers(model);
  const Count dense = model.layers - sparse;
  return embedding_parameters(model) + model.hidden + model.layers * attention_parameters(model) +
         dense * dense_ffn_parameters(model) +
         sparse * (router_parameters(model) + shared_expert_parameters(model) +
                   experts_counted * expert_parameters(model));
}

}  // namespace

int moe_layers(const Model& model) {
  return static_cast<int>(std::count(model.is_moe.begin(), model.is_moe.end(), true));
}

Count attention_parameters(const Model& model) {
  const Attention& a = model.attention;
  const Count matrices = a.kind == AttentionKind::kMultiHeadLatent
                             ? multi_head_latent(a, model.hidden)
                             : grouped_query(a, model.hidden);
  return matrices + a.query_norm_width + a.key_norm_width + (a.sinks ? a.heads : 0) +
         2 * Count{model.hidden};
}

Count expert_parameters(const Model& model) {
  const Count biases = 2 * Count{model.expert_intermediate} + model.hidden;
  return gated_ffn(model.hidden, model.expert_intermediate) + (model.expert_bias ? biases : 0);
}

Count shared_expert_parameters(const Model& model) {
  return gated_ffn(model.hidden, model.shared_intermediate) +
         (model.shared_expert_gate ? model.hidden : 0);
}

Count dense_ffn_parameters(const Model& model) {
  return gated_ffn(model.hidden, model.dense_intermediate);
}

Count router_parameters(const Model& model) {
  const Count experts = model.experts;
  return model.hidden * experts * (model.router_noise ? 2 : 1) +
         (model.router_mlp ? experts * experts : 0) + (model.router_bias ? experts : 0);
}

Count embedding_parameters(const Model& model) {
  return Count{model.vocab} * model.hidden * (model.tied_embeddings ? 1 : 2);
}

Count total_parameters(const Model& model) { return count_all(model, model.experts); }

Count active_parameters(const Model& model) { return count_all(model, model.top_k); }

}  // namespace mixnet
