// Looks for what fits into memory where something does not: the least recompute, or the nearest
// other plan.
//
// Pure. fitting_plan() tries thousands of plans, each O(stages): milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "memory/memory_use.h"

namespace mixnet {

/// Of none, selective and full the first with which the plan fits into `usable` bytes.
std::optional<Recompute> least_recompute(const Model& model, const ParallelPlan& plan,
                                         MemoryOptions options, std::int64_t usable);

/// The least bytes of a GPU on any plan: of parameters, gradients and optimizer that all `gpus`
/// share out.
std::int64_t least_states(const Model& model, const MemoryOptions& options, std::int64_t gpus);

/// What did not fit.
struct MemoryWish {
  ParallelPlan plan;
  MemoryOptions options;
  bool recompute_given = false;  ///< else any will do
  bool batch_given = false;      ///< the global batch; else it is make_plan()'s for each plan
  std::int64_t gpus = 1;         ///< plan.world(), where that plan is possible
};

/// A plan that fits, as the flags in which it differs: "--pp 8 --recompute full".
struct FittingPlan {
  std::int64_t gpus = 1;
  std::string flags;
};

/// The nearest: another size of tp, pp, ep or micro-batch is a step by powers of two, so are more
/// recompute and another stage of ZeRO. With `more_gpus` on the fewest GPUs (twice as many, four
/// times, ...) that have one, else on as many.
std::optional<FittingPlan> fitting_plan(const Model& model, const MemoryWish& wish,
                                        std::int64_t usable, bool more_gpus);

}  // namespace mixnet
