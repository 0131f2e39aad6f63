// What selective recompute (memory_use.h) adds to a backward pass, by operation: all zero
// otherwise. Full recompute runs the forward pass again: training/layer_times.h.
//
// A norm reads and writes a number of its tokens' width, the product of gate and up reads two and
// writes one: their bytes at the memory bandwidth that is reached. MLA's matrices out of the
// latents are GEMMs, as in forward.
//
// Pure; O(1).
#pragma once

#include <cstdint>

#include "compute/operation_curves.h"
#include "memory/memory_use.h"

namespace mixnet {

/// Of one layer and micro-batch.
class RecomputeTimes {
 public:
  /// `model` and `plan` outlive it.
  RecomputeTimes(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
                 const ComputeRates& rates)
      : model_(model), plan_(plan), options_(options), rates_(rates) {}

  /// With the layer's norms.
  Time attention() const;
  Time dense_ffn() const;
  Time shared_experts() const;
  /// Of an EP rank that has `tokens` token copies.
  Time experts(std::int64_t tokens) const;

 private:
  double own_tokens() const;
  Time numbers(double count) const;
  Time product(double tokens, double width, int parts) const;

  const Model& model_;
  const ParallelPlan& plan_;
  MemoryOptions options_;
  ComputeRates rates_;
};

}  // namespace mixnet
