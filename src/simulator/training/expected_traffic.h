// What TopoOpt plans its topology for, before an iteration has run: balanced routing, every
// micro-batch of one iteration. Pure; O(pp * dp * ep).
#pragma once

#include "fabric/direct_connect.h"
#include "moe/dispatch.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

ExpectedTraffic expected_traffic(const Model& model, const ParallelPlan& plan,
                                 DispatchMode dispatch = DispatchMode::kCopies);

}  // namespace mixnet
