// What one GPU holds of a model's parameters, matrix by matrix, as Megatron-LM lays them out.
//
//   divided by tp    embedding and head (by rows of the vocabulary), projections of queries, keys,
//                    values and output, feed-forward parts and shared experts, MLA's matrices out
//                    of the latents, attention's sinks and what gates its output
//   by ep and etp    routed experts: placed_experts / ep of them, each an etp-th
//   whole            norms, routers, biases of what is summed over tp (output, down), MLA's
//                    matrices into the latents, and DeepSeek-V3.2's indexer
// What does not divide evenly counts as on the rank that has most; keys and values of fewer heads
// than tp are on every rank that needs them. Context parallel ranks hold the same. Padding of the
// vocabulary (Megatron's --make-vocab-size-divisible-by) is not counted: it can be switched off.
//
// Pure; O(1).
#pragma once

#include <cstdint>

#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// Of one GPU, in numbers, not bytes. Embedding, head and final norm are of no layer.
struct RankParameters {
  std::int64_t dense = 0;   ///< of which the dp * cp ranks of a stage have copies
  std::int64_t expert = 0;  ///< of which the replicas of an EP group have copies
  /// Those of both that fp8 training keeps in fp8, too: the matrices of attention, feed-forward
  /// parts and experts, with the few numbers beside them; not the router, nor the head.
  std::int64_t in_fp8 = 0;

  std::int64_t sum() const { return dense + expert; }
  void add(const RankParameters& other, std::int64_t times = 1);
};

RankParameters layer_on_rank(const Model& model, const ParallelPlan& plan, bool is_moe);
/// Of the busiest GPU of pipeline stage `stage`. A head that is the input embedding again is a copy
/// of it where the two ends are not on one stage.
RankParameters stage_on_rank(const Model& model, const ParallelPlan& plan, int stage);

/// Those of the GPU that holds most.
std::int64_t busiest_rank_parameters(const Model& model, const ParallelPlan& plan);

/// Of what the copies of a stage hold, a copy's share where they share it out (ZeRO): a dp * cp-th
/// of what is dense, a replicas-th of the experts, each rounded up.
std::int64_t share_of_copy(const RankParameters& all, const ParallelPlan& plan);

/// Layers of a stage, by kind.
struct StageLayers {
  int moe = 0;
  int dense = 0;
};
StageLayers layers_on_stage(const Model& model, const ParallelPlan& plan, int stage);

}  // namespace mixnet
