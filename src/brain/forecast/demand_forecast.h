// What Copilot (forecast/copilot.h) would have forecast of every all-to-all of an iteration, before
// its gate had run.
//
// Every region (pipeline stage and replica) has a Copilot of its own, which sees that region's
// gates alone, so the first MoE layer of a stage has no layer before it. It observes them in the
// order in which they run: micro-batch by micro-batch, layer by layer; a micro-batch is what
// copilot.h calls an iteration. Each gate is forecast from those before it and then observed.
//
// Before the simulated iteration, number 0, it has seen kPastMicroBatches of training. Since
// routing has no iterations before 0, those after it stand for them, played backwards.
// `dynamic` is the same process backwards as forwards, and nothing simulated uses those iterations,
// so nothing is known too early.
//
// Circuits are allocated for a hedged forecast (forecast/demand_hedge.h). Every region learns for
// each fabric how much, from gates that have run: every fourth, from the second micro-batch of
// training on.
//
// Deterministic; regions run on `threads` threads, on which the result does not depend. Cost of a
// region: (kPastMicroBatches + micro-batches) * layers of the stage * one Copilot step, 21 us
// at 8 experts and 3.4 ms at 256. Memory while it runs: a Copilot a thread; what is kept is
// region_servers^2 * 8 bytes a forecast.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/units.h"
#include "moe/dispatch.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "moe/routing.h"

namespace mixnet {

/// As many as Copilot's regression looks back.
inline constexpr int kPastMicroBatches = 32;

struct DemandForecast {
  Matrix<std::int64_t> server_bytes;  ///< as RegionDemand's
  /// RegionDemand::scale_up_delegated; an estimate where GPUs have optical I/O.
  std::int64_t scale_up_bytes = 0;
  std::int64_t busiest_rank_tokens = 0;  ///< as RegionDemand's
  /// By fabric: how far to level `server_bytes` for circuits (forecast/demand_hedge.h).
  std::vector<double> hedges;
};

/// How long one all-to-all of `bytes` takes on a fabric over circuits for `guessed`, in a region.
/// Runs on the `worker`-th thread. Zero where that cannot be told.
using TimeOverCircuits =
    std::function<Time(int worker, int first_server, const Matrix<std::int64_t>& guessed,
                       const Matrix<std::int64_t>& bytes)>;

/// By (replica * micro_batches + micro_batch) * MoE layers + MoE layer. Shows a progress bar on a
/// terminal.
std::vector<DemandForecast> forecast_demands(const Model& model, const ParallelPlan& plan,
                                             const TokenTraffic& traffic,
                                             const RoutingSource& routing, int threads,
                                             std::span<const TimeOverCircuits> fabrics = {});

}  // namespace mixnet
