// How long one GPU computes: a roofline per operation of a layer (Williams et al., CACM 2009).
//
//   time = max(FLOPs / (peak * compute_efficiency), bytes / (memory bandwidth * memory_efficiency))
//
// Operations of one micro-batch of n tokens (a cp-th of it) in sequences of length s, divided by tp
// throughout, experts by etp:
//   attention       2 * n * matrices  +  2 * n * s * heads * (query width + value width) / 2
//                   (scores and weighted sum, causal, hence the half)
//   gate            2 * n * hidden * experts
//   experts         2 * expert parameters * token copies of the BUSIEST rank: the layer waits
//   shared experts  2 * n * parameters            dense FFN  2 * n * parameters
//   head            2 * n * hidden * vocab        (last stage only)
//   optimizer       28 bytes of memory traffic a parameter: Adam in mixed precision reads gradient
//                   (2) and master, both moments (12), writes these (12) and the bf16 weight (2)
// Bytes: 2 a number (bf16), of the weights (experts: all that the rank holds) and of activations. A
// token has 12 * hidden of these at attention, 2 * hidden + 4 * intermediate at experts, else
// 2 * hidden.
// Backward is twice forward, the quadratic part of attention 2.5 times (FlashAttention-2: five
// products for two).
//
// A profile (compute_profile.h) replaces any of these by measured times. Efficiencies default to
// what large bf16 layers reach in Megatron-LM runs; docs/compute.md has the numbers.
//
// Immutable, thread-safe, O(1) a call.
#pragma once

#include <array>

#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "training/compute_profile.h"
#include "training/iteration_options.h"

namespace mixnet {

class ComputeModel {
 public:
  ComputeModel(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
               const ComputeOptions& options);

  /// One layer and micro-batch (the optimizer: per iteration, the busiest stage). Experts here with
  /// balanced load.
  OperationTime time(Operation operation) const {
    return times_[static_cast<std::size_t>(operation)];
  }
  /// Experts when the busiest EP rank of the group gets `tokens` token copies.
  OperationTime experts(std::int64_t tokens) const;

 private:
  OperationTime roofline(double flops, double bytes, double backward_flops, int tp) const;
  OperationTime roofline_attention() const;
  OperationTime roofline_experts(double tokens) const;
  OperationTime roofline_of(Operation operation) const;

  Model model_;
  ParallelPlan plan_;
  double flops_per_second_;
  double bytes_per_second_;
  double mean_rank_tokens_;
  bool experts_measured_ = false;
  std::array<OperationTime, kOperations> times_;
};

}  // namespace mixnet
