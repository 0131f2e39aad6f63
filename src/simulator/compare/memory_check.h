// Whether the job of a comparison fits into the GPUs' memory, and with which recompute it runs.
//
//   recompute given   that; where none was, and memory is looked at, the least that fits
//   micro-batch given that; where none was, the model's, or the largest half of it that fits
//   does not fit      refused, with the sum and what would fit; with a warning where memory is
//                     ignored, and where the plan is the model's own default: then full recompute
//
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "memory/memory_use.h"
#include "moe/plan.h"
#include "training/iteration_options.h"

namespace mixnet {

/// What is asked for. IterationOptions has the rest.
struct MemoryRequest {
  bool looked_at = false;              ///< else nothing is chosen, refused or warned of
  bool ignored = false;                ///< --ignore-memory: nothing is refused
  std::optional<Recompute> recompute;  ///< as given
};

struct MemoryReport {
  WorstRank worst;
  Recompute recompute = Recompute::kNone;
  bool chosen = false;  ///< recompute, as the least that fits
  /// Where some was chosen: the largest half of the micro-batch that needs less; 0: there is none.
  std::int64_t smaller_micro_batch = 0;
  Recompute smaller_recompute = Recompute::kNone;
  int zero = 0;
  std::int64_t micro_batch = 1;      ///< of the plan
  std::int64_t micro_batch_cut = 0;  ///< that of the model, where that did not fit; 0: it did
  std::int64_t gpu_bytes = 0;
  std::int64_t usable_bytes = 0;

  bool fits() const { return worst.use.total() <= usable_bytes; }
};

/// `plan`, which is make_plan()'s for `wanted`; where that does not fit even with all recomputed,
/// and nobody gave a micro-batch, the same with the largest half (quarter, ...) of its micro-batch
/// that fits, and as many tokens an iteration.
ParallelPlan with_micro_batch_that_fits(const Model& model, const ParallelPlan& plan,
                                        const PlanRequest& wanted, const Gpu& gpu,
                                        const IterationOptions& options,
                                        const MemoryRequest& request);

/// Throws Error where no plan on so many GPUs can fit, before one is looked for.
void refuse_hopeless(const Model& model, const PlanRequest& plan, const Gpu& gpu,
                     const IterationOptions& options, const MemoryRequest& request);

/// Throws Error where `plan`, which is make_plan()'s for `wanted`, does not fit.
MemoryReport check_memory(const Model& model, const ParallelPlan& plan, const PlanRequest& wanted,
                          const Gpu& gpu, const IterationOptions& options,
                          const MemoryRequest& request);

/// "memory of the worst rank: 61.2 GB of 80: parameters ..."; one line, without its end.
std::string describe_memory(const MemoryReport& report);
/// What to warn of; empty where it fits.
std::string memory_warning(const MemoryReport& report);
/// Where full recompute was chosen and a smaller micro-batch would do without; else empty.
std::string recompute_advice(const MemoryReport& report);
/// `memory` of schema mixnet.compare/1.
nlohmann::ordered_json memory_json(const MemoryReport& report);

}  // namespace mixnet
