#include "moe/layer_shapes.h"

namespace mixnet {
namespace {

using Count = std::int64_t;

Count when(bool present, Count count) { return present ? count : 0; }

Count value_width(const Attention& a) { return a.v_head_dim > 0 ? a.v_head_dim : a.head_dim; }

Count beside(const Attention& a, Count hidden) {
  return Count{a.query_norm_width} + a.key_norm_width + when(a.sinks, a.heads) +
         hidden * a.gate_width + Count{a.position_buckets} * a.heads;
}

Count grouped_query(const Attention& a, Count hidden) {
  const Count queries = Count{a.heads} * a.head_dim;
  const Count keys_and_values = Count{a.kv_heads} * (a.head_dim + value_width(a));
  return hidden * (queries + keys_and_values) + a.heads * value_width(a) * hidden +
         when(a.qkv_bias, queries + keys_and_values) + when(a.output_bias, hidden);
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
  const Count index_queries = Count{a.index_heads} * a.index_dim;
  return count + query_latent * index_queries + hidden * (Count{a.index_dim} + a.index_heads) +
         2 * Count{a.index_dim};
}

Count expert_heads(const Attention& a, Count hidden) {
  const Count keys = Count{a.kv_heads} * a.head_dim;
  return hidden * 2 * keys + a.experts * 2 * hidden * keys + hidden * a.experts + hidden;
}

// Yang et al. (arXiv 2412.06464) as Qwen3-Next has it: queries, keys, values and their gate, two
// numbers a head, a convolution on all but the gate.
Count gated_delta(const Attention& a, Count hidden) {
  const Count keys = Count{a.heads} * a.head_dim;
  const Count values = Count{a.value_heads} * a.v_head_dim;
  return hidden * 2 * (keys + values) + hidden * 2 * a.value_heads +
         (2 * keys + values) * a.convolution + 2 * Count{a.value_heads} + a.v_head_dim +
         values * hidden;
}

// Kimi Linear (arXiv 2510.26692): the two gates are full, or through `rank`.
Count kimi_delta(const Attention& a, Count hidden) {
  const Count width = Count{a.heads} * a.head_dim;
  const Count gate = a.rank > 0 ? hidden * a.rank + a.rank * width : hidden * width;
  return 4 * hidden * width + 3 * width * a.convolution + width + a.heads + 2 * gate +
         hidden * a.heads + a.head_dim;
}

Count lightning(const Attention& a, Count hidden) {
  const Count width = Count{a.heads} * a.head_dim;
  return 5 * hidden * width + width + when(a.qkv_bias, 3 * width) + when(a.output_bias, hidden);
}

Count state_space(const Attention& a, Count hidden) {
  const Count inner = a.inner;
  const Count controls = a.rank + 2 * Count{a.state};
  return inner * a.state + inner + inner * a.convolution + when(a.convolution_bias, inner) +
         3 * hidden * inner + inner * controls + a.rank * inner + inner + controls +
         when(a.inner_bias, 2 * inner + hidden);
}

Count state_space_2(const Attention& a, Count hidden) {
  const Count inner = a.inner;
  const Count convolved = inner + 2 * Count{a.groups} * a.state;
  const Count projected = inner + convolved + a.heads;
  return 3 * Count{a.heads} + convolved * a.convolution + when(a.convolution_bias, convolved) +
         hidden * projected + inner + inner * hidden + when(a.inner_bias, projected + hidden);
}

Count short_convolution(const Attention& a, Count hidden) {
  return 4 * hidden * hidden + hidden * a.convolution +
         when(a.convolution_bias, 5 * hidden);  // on the projections as well
}

Count matrices(const Attention& a, Count hidden) {
  switch (a.kind) {
    case AttentionKind::kGroupedQuery:
      return grouped_query(a, hidden);
    case AttentionKind::kMultiHeadLatent:
      return multi_head_latent(a, hidden);
    case AttentionKind::kExpertHeads:
      return expert_heads(a, hidden);
    case AttentionKind::kGatedDelta:
      return gated_delta(a, hidden);
    case AttentionKind::kKimiDelta:
      return kimi_delta(a, hidden);
    case AttentionKind::kLightning:
      return lightning(a, hidden);
    case AttentionKind::kStateSpace:
      return state_space(a, hidden);
    case AttentionKind::kStateSpace2:
      return state_space_2(a, hidden);
    case AttentionKind::kShortConvolution:
      break;
  }
  return short_convolution(a, hidden);
}

bool is_softmax(const Attention& a) {
  return a.kind == AttentionKind::kGroupedQuery || a.kind == AttentionKind::kMultiHeadLatent ||
         a.kind == AttentionKind::kExpertHeads;
}

/// What one token passes through: of expert heads, those of top_k experts.
Count active_parameters_of(const Attention& a, Count hidden, int top_k) {
  Attention visited = a;
  if (a.kind == AttentionKind::kExpertHeads) visited.experts = top_k;
  const Count unused_logits = a.kind == AttentionKind::kExpertHeads ? a.experts - top_k : 0;
  return parameters(visited, hidden) + hidden * unused_logits;
}

void add(const LayerShape& layer, const StackShape& stack, ModelCounts& counts) {
  const Count hidden = stack.hidden;
  BlockCounts& total = counts.total;
  BlockCounts& active = counts.active;
  for (const Attention& mixer : layer.mixers) {
    total.attention += layer.count * parameters(mixer, hidden);
    active.attention += layer.count * active_parameters_of(mixer, hidden, layer.top_k);
    if (!is_softmax(mixer)) continue;
    counts.attention_flops_per_token +=
        layer.count * (mixer.heads * (mixer.head_dim + value_width(mixer)) +
                       Count{mixer.index_heads} * (Count{mixer.index_dim} + 1));
  }
  total.norms += layer.count * layer.norms * hidden * (stack.norm_bias ? 2 : 1);
  total.dense += layer.count * layer.dense_parts * parameters(layer.dense, hidden);
  if (layer.experts == 0) return;
  const Count expert = parameters(layer.expert, hidden);
  const Count on_sum = when(layer.sum_bias, hidden);
  total.experts += layer.count * (layer.experts * expert + on_sum);
  active.experts += layer.count * (layer.top_k * expert + on_sum);
  total.shared += layer.count * (parameters(layer.shared, hidden) +
                                 when(layer.shared_gate, hidden) + layer.shared_norms * hidden);
  total.router += layer.count * parameters(layer.router, hidden);
}

}  // namespace

bool LayerShape::like(const LayerShape& other) const {
  return mixers == other.mixers && norms == other.norms && dense == other.dense &&
         dense_parts == other.dense_parts && experts == other.experts && top_k == other.top_k &&
         expert == other.expert && sum_bias == other.sum_bias && shared == other.shared &&
         shared_gate == other.shared_gate && shared_norms == other.shared_norms &&
         router == other.router;
}

Count parameters(const Attention& attention, Count hidden) {
  return matrices(attention, hidden) + beside(attention, hidden);
}

Count parameters(const FeedForward& part, Count hidden) {
  if (part.width == 0) return 0;
  const Count into = part.gated ? 2 : 1;
  return (into + 1) * hidden * part.width + when(part.bias, into * part.width + hidden);
}

Count parameters(const Router& router, Count hidden) {
  const Count outputs = router.outputs;
  return hidden * outputs * (router.noise ? 2 : 1) + when(router.mlp, outputs * outputs) +
         when(router.bias, outputs);
}

Count BlockCounts::total() const {
  return embeddings + attention + dense + experts + shared + router + norms + head;
}

ModelCounts count(const StackShape& stack) {
  ModelCounts counts;
  BlockCounts& total = counts.total;
  total.embeddings = stack.vocab * stack.hidden;
  total.head =
      (stack.tied_embeddings ? 0 : stack.vocab * stack.hidden) + when(stack.head_bias, stack.vocab);
  total.norms = stack.final_norms * stack.hidden * (stack.norm_bias ? 2 : 1);
  for (const LayerShape& layer : stack.layers) add(layer, stack, counts);
  BlockCounts& active = counts.active;
  active.embeddings = total.embeddings;
  active.dense = total.dense;
  active.shared = total.shared;
  active.router = total.router;
  active.norms = total.norms;
  active.head = total.head;
  return counts;
}

}  // namespace mixnet
