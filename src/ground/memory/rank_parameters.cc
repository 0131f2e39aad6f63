#include "memory/rank_parameters.h"

#include <algorithm>

#include "moe/stage_layers.h"

namespace mixnet {
namespace {

using Count = std::int64_t;

Count part_of(Count whole, Count parts) { return (whole + parts - 1) / parts; }

Count when(bool present, Count count) { return present ? count : 0; }

Count value_width(const Attention& a) { return a.v_head_dim > 0 ? a.v_head_dim : a.head_dim; }

/// A norm over one head is whole on every rank, one over all heads is divided as they are.
Count norm_on_rank(Count width, const Attention& a, Count heads) {
  return width > a.head_dim ? heads * a.head_dim : width;
}

Count grouped_query(const Attention& a, Count hidden, Count tp) {
  const Count heads = part_of(a.heads, tp);
  const Count kv_heads = part_of(a.kv_heads, tp);
  const Count columns = heads * a.head_dim + kv_heads * (a.head_dim + value_width(a));
  return hidden * columns + heads * value_width(a) * hidden + when(a.qkv_bias, columns) +
         when(a.output_bias, hidden) + norm_on_rank(a.query_norm_width, a, heads) +
         norm_on_rank(a.key_norm_width, a, kv_heads);
}

/// DeepSeek-V2 (arXiv 2405.04434), section 2.1; the indexer is V3.2's.
Count multi_head_latent(const Attention& a, Count hidden, Count tp) {
  const Count heads = part_of(a.heads, tp);
  const Count query_width = heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
  const Count query_latent = a.q_lora_rank;
  const Count latent = a.kv_lora_rank;
  const Count down_kv = latent + a.qk_rope_head_dim;
  const Count queries = query_latent > 0
                            ? hidden * query_latent + query_latent + query_latent * query_width
                            : hidden * query_width;
  const Count indexer = query_latent * a.index_heads * a.index_dim +
                        hidden * (Count{a.index_dim} + a.index_heads) + 2 * Count{a.index_dim};
  return queries + hidden * down_kv + latent +
         latent * heads * (Count{a.qk_nope_head_dim} + a.v_head_dim) +
         heads * a.v_head_dim * hidden + when(a.qkv_bias, query_latent + down_kv) +
         when(a.output_bias, hidden) + indexer + a.query_norm_width + a.key_norm_width;
}

Count attention_on_rank(const Model& model, Count tp) {
  const Attention& a = model.attention;
  const Count hidden = model.hidden;
  Count count = 0;
  switch (a.kind) {
    case AttentionKind::kGroupedQuery:
      count = grouped_query(a, hidden, tp);
      break;
    case AttentionKind::kMultiHeadLatent:
      count = multi_head_latent(a, hidden, tp);
      break;
    default:
      return part_of(parameters(a, hidden), tp);
  }
  const Count heads = part_of(a.heads, tp);
  return count + when(a.sinks, heads) + hidden * part_of(a.gate_width, tp) +
         a.position_buckets * heads;
}

/// Gate, up and down.
Count ffn_on_rank(Count width, bool bias, Count hidden, Count parts) {
  if (width == 0) return 0;
  const Count own = part_of(width, parts);
  return 3 * hidden * own + when(bias, 2 * own + hidden);
}

}  // namespace

void RankParameters::add(const RankParameters& other, Count times) {
  dense += other.dense * times;
  expert += other.expert * times;
  in_fp8 += other.in_fp8 * times;
}

RankParameters layer_on_rank(const Model& model, const ParallelPlan& plan, bool is_moe) {
  const Count hidden = model.hidden;
  RankParameters layer;
  layer.in_fp8 = attention_on_rank(model, plan.tp);
  if (!is_moe) {
    layer.in_fp8 += ffn_on_rank(model.dense_intermediate, model.dense_bias, hidden, plan.tp);
  } else {
    layer.expert =
        part_of(model.placed_experts, plan.ep) *
        ffn_on_rank(model.expert_intermediate, model.expert_bias, hidden, plan.expert_tp());
    layer.in_fp8 += ffn_on_rank(model.shared_intermediate, model.shared_bias, hidden, plan.tp);
  }
  layer.dense = layer.in_fp8 + model.norms * final_norm_parameters(model);
  layer.in_fp8 += layer.expert;
  if (!is_moe) return layer;
  layer.dense +=
      router_parameters(model) + hidden * (when(model.shared_expert_gate, 1) + model.shared_norms);
  return layer;
}

Count share_of_copy(const RankParameters& all, const ParallelPlan& plan) {
  return part_of(all.dense, Count{plan.dp} * plan.cp) + part_of(all.expert, plan.replicas());
}

StageLayers layers_on_stage(const Model& model, const ParallelPlan& plan, int stage) {
  const auto [first, end] = stage_layers(model, plan, stage);
  const auto [first_moe, end_moe] = stage_moe_layers(model, plan, stage);
  return {end_moe - first_moe, end - first - (end_moe - first_moe)};
}

RankParameters stage_on_rank(const Model& model, const ParallelPlan& plan, int stage) {
  const StageLayers layers = layers_on_stage(model, plan, stage);
  RankParameters sum;
  sum.add(layer_on_rank(model, plan, true), layers.moe);
  sum.add(layer_on_rank(model, plan, false), layers.dense);
  const Count rows = part_of(model.vocab, plan.tp);
  const bool one_matrix = model.tied_embeddings && plan.pp == 1;
  if (stage == 0) sum.dense += rows * model.hidden;
  if (stage != plan.pp - 1) return sum;
  sum.dense += when(!one_matrix, rows * model.hidden) + final_norm_parameters(model) +
               when(model.head_bias, rows);
  if (model.mtp_layers == 0) return sum;
  // They read the next token's embedding, of which this stage has a copy.
  const Count projections = model.mtp_layers * 2 * Count{model.hidden} * model.hidden;
  sum.dense += part_of(projections, plan.tp) + mtp_parameters(model) - projections +
               when(plan.pp > 1 && !model.tied_embeddings, rows * model.hidden);
  return sum;
}

Count busiest_rank_parameters(const Model& model, const ParallelPlan& plan) {
  Count most = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    most = std::max(most, stage_on_rank(model, plan, stage).sum());
  }
  return most;
}

}  // namespace mixnet
