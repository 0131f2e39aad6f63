#include "memory/activation_memory.h"

#include <algorithm>

#include "memory/rank_parameters.h"

namespace mixnet {
namespace {

constexpr double kBytes = kBytesPerNumber;
constexpr double kSoftmaxSum = 4;  // fp32, a head
constexpr double kRouted = 9;      // logit and probability in fp32, and a byte of the mask
constexpr double kLogit = 2 + 4;   // bf16 and fp32

double value_width(const Attention& a) { return a.v_head_dim > 0 ? a.v_head_dim : a.head_dim; }

/// Heads of keys and values of one GPU: no less than one.
double kv_heads(const Attention& a, int tp) {
  return static_cast<double>((a.kv_heads + tp - 1) / tp);
}

/// Of one GPU and a micro-batch.
struct OwnTokens {
  double inside;   ///< within attention and feed-forward parts
  double between;  ///< which the tp ranks share out, where they do
  double routed;   ///< that it routes
  double copies;   ///< for its experts

  OwnTokens(const Model& model, const ParallelPlan& plan, bool sequence_parallel)
      : inside(static_cast<double>(plan.tokens_per_micro_batch()) / plan.cp),
        between(sequence_parallel ? inside / plan.tp : inside),
        routed(inside / plan.tp),
        copies(static_cast<double>(plan.tokens_per_ep_rank()) * model.top_k) {}
};

/// Widths on one GPU.
double projected_width(const Attention& a, int tp) {
  const double heads = static_cast<double>(a.heads) / tp;
  if (a.kind == AttentionKind::kMultiHeadLatent) {
    const double query = a.qk_nope_head_dim + a.qk_rope_head_dim;
    return heads * (2 * query + a.v_head_dim);
  }
  const double keys = kv_heads(a, tp) * a.head_dim;
  double width = heads * a.head_dim + keys + kv_heads(a, tp) * value_width(a);
  if (a.query_norm_width > 0) width += heads * a.head_dim;
  if (a.key_norm_width > 0) width += keys;
  return width + static_cast<double>(a.gate_width) / tp;
}

double attention_activations(const Model& model, const ParallelPlan& plan, const OwnTokens& tokens,
                             bool selective) {
  const Attention& a = model.attention;
  const double heads = static_cast<double>(a.heads) / plan.tp;
  const bool latent = a.kind == AttentionKind::kMultiHeadLatent;
  double bytes = kBytes * model.hidden * tokens.between * (selective ? 1 : 2);
  bytes += tokens.inside * heads * (kBytes * value_width(a) + kSoftmaxSum);
  if (latent) {
    bytes +=
        kBytes * tokens.between * (2.0 * a.q_lora_rank + 2.0 * a.kv_lora_rank + a.qk_rope_head_dim);
  }
  if (latent && selective) return bytes;
  return bytes + kBytes * tokens.inside * projected_width(a, plan.tp);
}

/// Of gate, up and their product, of `tokens` at a width.
double gated_activations(double tokens, double width, bool selective) {
  return kBytes * tokens * width * (selective ? 2 : 3);
}

double expert_width(const Model& model, const ParallelPlan& plan) {
  return static_cast<double>(model.expert_intermediate) / plan.expert_tp();
}

double ffn_activations(const Model& model, const ParallelPlan& plan, const OwnTokens& tokens,
                       bool selective, bool is_moe) {
  const double norm = kBytes * model.hidden * tokens.between * (selective ? 1 : 2);
  const double tp = plan.tp;
  if (!is_moe) {
    return norm + gated_activations(tokens.inside, model.dense_intermediate / tp, selective);
  }
  return norm + gated_activations(tokens.inside, model.shared_intermediate / tp, selective) +
         kRouted * model.placed_experts * tokens.routed + kBytes * model.hidden * tokens.copies +
         gated_activations(tokens.copies, expert_width(model, plan), selective);
}

}  // namespace

double layer_activations(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
                         bool is_moe) {
  const OwnTokens tokens(model, plan, options.sequence_parallel);
  if (options.recompute == Recompute::kFull) return kBytes * model.hidden * tokens.between;
  const bool selective = options.recompute == Recompute::kSelective;
  return attention_activations(model, plan, tokens, selective) +
         ffn_activations(model, plan, tokens, selective, is_moe);
}

double head_activations(const Model& model, const ParallelPlan& plan,
                        const MemoryOptions& options) {
  const OwnTokens tokens(model, plan, options.sequence_parallel);
  return 2 * kBytes * model.hidden * tokens.between +
         kLogit * tokens.inside * model.vocab / plan.tp;
}

std::int64_t chunks_in_flight(const ParallelPlan& plan, bool eager_schedule, int stage) {
  const std::int64_t after = plan.pp - stage - 1;
  const std::int64_t all = std::int64_t{plan.micro_batches()} * plan.vpp;
  if (plan.vpp == 1) return std::min((eager_schedule ? 2 : 1) * after + 1, all);
  // Where there are as many micro-batches as stages, all run forward first.
  if (plan.micro_batches() == plan.pp) return all;
  return std::min(2 * after + std::int64_t{plan.vpp - 1} * plan.pp + 1, all);
}

double stage_activations(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
                         int stage) {
  const StageLayers layers = layers_on_stage(model, plan, stage);
  MemoryOptions all = options;
  all.recompute = Recompute::kNone;
  double kept = 0;
  double again = 0;  // of the layer that runs again
  for (const auto& [count, is_moe] :
       {std::pair(layers.moe, true), std::pair(layers.dense, false)}) {
    if (count == 0) continue;
    const double one = layer_activations(model, plan, options, is_moe);
    kept += one * count;
    again = std::max(again, layer_activations(model, plan, all, is_moe) - one);
  }
  const auto chunks = static_cast<double>(chunks_in_flight(plan, options.eager_schedule, stage));
  const double head =
      stage == plan.pp - 1 ? (1 + model.mtp_layers) * head_activations(model, plan, options) : 0;
  return kept * chunks / plan.vpp + again + head;
}

double activation_buffers(const Model& model, const ParallelPlan& plan,
                          const MemoryOptions& options, int stage) {
  const OwnTokens tokens(model, plan, options.sequence_parallel);
  const double hidden = kBytes * model.hidden;
  const StageLayers layers = layers_on_stage(model, plan, stage);
  double bytes = 0;
  if (layers.moe > 0) {
    bytes = hidden * (tokens.routed * model.top_k + tokens.copies) +
            gated_activations(tokens.copies, expert_width(model, plan), false);
  }
  if (layers.dense > 0) {
    bytes = std::max(
        bytes, gated_activations(tokens.inside,
                                 static_cast<double>(model.dense_intermediate) / plan.tp, false));
  }
  if (plan.tp > 1 && options.sequence_parallel) bytes += 2 * hidden * tokens.inside;
  if (plan.pp > 1) bytes += 2 * hidden * tokens.between;
  return bytes;
}

}  // namespace mixnet
