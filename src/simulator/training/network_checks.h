// Whether the network that was asked for can be built for a plan. Each throws Error, naming the
// flag. Pure; check_failures() builds the graphs of the fabrics when links fail.
#pragma once

#include <span>

#include "fabric/fabric_kind.h"
#include "moe/plan.h"
#include "training/failure.h"
#include "training/iteration_options.h"

namespace mixnet {

/// The network between the GPUs that `plan` uses: with the NICs of those, where it uses a part of
/// each server; of `options`, all of a server's count.
NetworkOptions network_in_use(NetworkOptions options, const ParallelPlan& plan);

/// Options that contradict each other or the plan.
void check_network_options(const NetworkOptions& options, const ParallelPlan& plan);

/// Virtual stages have a schedule of their own.
void check_schedule(int vpp, PipelineSchedule schedule);

/// The options for `fabrics`, of which some may be of scale-up domains.
void check_domains(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                   const ParallelPlan& plan);

/// Parts that the plan has not, and links that none of `fabrics` has.
void check_failures(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                    const ParallelPlan& plan, std::span<const Failure> failures);

}  // namespace mixnet
