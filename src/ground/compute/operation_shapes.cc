#include "compute/operation_shapes.h"

#include <algorithm>
#include <vector>

namespace mixnet {
namespace {

double value_width(const Attention& a) { return a.v_head_dim > 0 ? a.v_head_dim : a.head_dim; }

std::vector<GemmShape> projections(const Model& model, double tp, double tokens) {
  const Attention& a = model.attention;
  const double hidden = model.hidden;
  const double heads = a.heads / tp;
  const GemmShape output = {tokens, heads * value_width(a), hidden};
  if (a.kind != AttentionKind::kMultiHeadLatent) {
    const double kv_heads = std::max(1.0, a.kv_heads / tp);
    return {{tokens, hidden, heads * a.head_dim + kv_heads * (a.head_dim + value_width(a))},
            output};
  }
  std::vector<GemmShape> all;
  if (a.q_lora_rank > 0) {
    const double rank = a.q_lora_rank;
    all = {{tokens, hidden, rank}, {tokens, rank, heads * a.head_dim}};
  } else {
    all = {{tokens, hidden, heads * a.head_dim}};
  }
  const double rank = a.kv_lora_rank;
  all.push_back({tokens, hidden, rank + a.qk_rope_head_dim});
  all.push_back({tokens, rank, heads * (a.qk_nope_head_dim + value_width(a))});
  all.push_back(output);
  return all;
}

OperationTime attention(const Model& model, const OperationWork& work, const ComputeRates& rates) {
  const Attention& a = model.attention;
  const std::vector<GemmShape> gemms = projections(model, work.tp, work.tokens);
  return attention_time(
      {.tokens = work.tokens,
       .sequence = work.sequence,
       .hidden = static_cast<double>(model.hidden),
       .head_widths = a.heads / static_cast<double>(work.tp) * (a.head_dim + value_width(a)),
       .is_latent = a.kind == AttentionKind::kMultiHeadLatent,
       .projections = gemms},
      rates);
}

}  // namespace

bool has_operation(const Model& model, LayerOperation operation) {
  if (operation == LayerOperation::kSharedExperts) return model.shared_intermediate > 0;
  if (operation == LayerOperation::kDenseFfn) return model.dense_intermediate > 0;
  return true;
}

double local_experts(const Model& model, int ep) {
  const int experts = model.experts % ep == 0 ? model.experts : model.placed_experts;
  return static_cast<double>(experts) / ep;
}

OperationTime operation_time(const Model& model, const OperationWork& work,
                             const ComputeRates& rates) {
  const double hidden = model.hidden;
  const double tp = work.tp;
  switch (work.operation) {
    case LayerOperation::kAttention:
      return attention(model, work, rates);
    case LayerOperation::kGate:
      return gate_time(work.tokens, hidden, model.experts, rates);
    case LayerOperation::kPermute:
      return permute_time(work.tokens, hidden, rates);
    case LayerOperation::kExperts:
      return experts_time({work.tokens, local_experts(model, work.ep), hidden,
                           model.expert_intermediate / tp, work.calls},
                          rates);
    case LayerOperation::kSharedExperts:
      return feed_forward_time(work.tokens, hidden, model.shared_intermediate / tp, rates);
    case LayerOperation::kDenseFfn:
      return feed_forward_time(work.tokens, hidden, model.dense_intermediate / tp, rates);
    case LayerOperation::kHead:
      return bf16_gemm_time({work.tokens, hidden, model.vocab / tp}, rates);
    case LayerOperation::kOptimizer:
      return optimizer_time(work.tokens, rates);
  }
  return {};
}

}  // namespace mixnet
