// How long one GPU computes: a roofline per operation of a layer (Williams et al., CACM 2009).
//
//   time = max(FLOPs / (peak * compute_efficiency), bytes / (memory bandwidth * memory_efficiency))
//
// Operations of one micro-batch of n tokens in sequences of length s, divided by tp throughout:
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
// A profile replaces any of these by measured times. Efficiencies default to what large bf16 layers
// reach in Megatron-LM runs; docs/compute.md has the numbers.
//
// Immutable, thread-safe, O(1) a call.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/names.h"
#include "base/units.h"
#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

enum class Operation { kAttention, kGate, kExperts, kSharedExperts, kDenseFfn, kHead, kOptimizer };

template <>
struct Names<Operation> {
  static constexpr std::string_view kWhat = "operation";
  static constexpr NamedValue<Operation> kTable[] = {
      {"attention", Operation::kAttention}, {"gate", Operation::kGate},
      {"experts", Operation::kExperts},     {"shared_experts", Operation::kSharedExperts},
      {"dense_ffn", Operation::kDenseFfn},  {"head", Operation::kHead},
      {"optimizer", Operation::kOptimizer}};
};
inline constexpr std::size_t kOperations = std::size(Names<Operation>::kTable);

struct OperationTime {
  Time forward;
  Time backward;  ///< of the optimizer: zero
};

/// Measured times, per layer and micro-batch on one GPU; of experts with balanced load; of the
/// optimizer per iteration.
struct ComputeProfile {
  std::array<std::optional<OperationTime>, kOperations> measured;
};

/// Reads {"operations": {"attention": {"forward": "1.2ms", "backward": "2.5ms"}, ...}}.
/// Throws Error on unknown operations, missing directions, or times without units.
ComputeProfile parse_compute_profile(std::string_view json, std::string_view input);

struct ComputeOptions {
  double compute_efficiency = 0.55;
  double memory_efficiency = 0.8;
  ComputeProfile profile;
};

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
  OperationTime roofline(double flops, double bytes, double backward_flops) const;
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

/// Parameters of one pipeline stage, all TP ranks together: `dense`, of which every EP rank has a
/// copy (attention, gate, shared experts, dense FFN, the embedding on the first stage, the final
/// norm and the head on the last; a head tied to an embedding on another stage is a copy of it),
/// and `expert`, which the EP group shares out (all routed experts, as placed).
struct StageParameters {
  std::int64_t dense = 0;
  std::int64_t expert = 0;
};
StageParameters stage_parameters(const Model& model, const ParallelPlan& plan, int stage);

}  // namespace mixnet
