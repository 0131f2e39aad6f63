// How long one GPU computes: the operations of a layer by their shapes, and the curves of
// compute/operation_curves.h.
//
// Operations of one micro-batch of n tokens (a cp-th of it), divided by tp, experts by etp:
//   attention       norm, projections, causal scores; n tokens
//   gate            router, top-k and loss; n / tp tokens, the permutation of their copies, and
//                   what the layer waits for the host
//   experts         the busiest rank's token copies, for which the layer waits, with their
//                   permutation back; as many for each of its experts
//   shared experts, dense FFN   n tokens
//   head            n tokens (last stage only)
//   optimizer       AdamW over the parameters of the busiest GPU
// Backward of what has weights also adds their gradients to those of the micro-batches before,
// which reads and writes these (Megatron-LM's gradient accumulation fusion, in fp32 or bf16).
//
// A profile (compute_profile.h) replaces any of these by measured times, or corrects them.
// docs/compute.md has the numbers.
//
// Immutable, thread-safe, O(1) a call.
#pragma once

#include <array>

#include "compute/compute_profile.h"
#include "compute/operation_shapes.h"
#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

struct ComputeOptions {
  Precision precision = Precision::kBf16;  ///< of GEMMs (compute/operation_curves.h)
  Time layer_wait = kLayerWait;            ///< a layer with experts, micro-batch and pass
  /// Of a gradient, as micro-batches are added up: IterationOptions::gradient_bytes.
  int gradient_bytes = 2;
  ComputeProfile profile;  ///< measured times, where there are any
};

class ComputeModel {
 public:
  /// `parameters`: those that the busiest GPU holds, for the optimizer. Throws Error when the GPU
  /// does not have the precision.
  ComputeModel(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
               const ComputeOptions& options, double parameters);

  /// One layer and micro-batch (the optimizer: per iteration, the busiest stage); zero where the
  /// model has no such operation. Experts here with balanced load.
  OperationTime time(LayerOperation operation) const {
    return times_[static_cast<std::size_t>(operation)];
  }
  /// Experts when the busiest EP rank of the group gets `tokens` token copies.
  OperationTime experts(std::int64_t tokens) const;

 private:
  OperationWork work_of(LayerOperation operation, double tokens) const;
  OperationTime predicted(LayerOperation operation, double tokens) const;
  OperationTime with_sum(LayerOperation operation, OperationTime time) const;
  double parameters_of(LayerOperation operation) const;
  OperationTime with_permutation(LayerOperation operation, OperationTime time, double copies) const;
  OperationTime time_of(LayerOperation operation) const;
  double tokens_of(LayerOperation operation) const;

  Model model_;
  ParallelPlan plan_;
  ComputeRates rates_;
  double parameters_;
  ComputeOptions options_;
  double mean_rank_tokens_;
  std::array<std::optional<OperationFactor>, kLayerOperations> factors_;
  std::array<OperationTime, kLayerOperations> times_;
};

}  // namespace mixnet
