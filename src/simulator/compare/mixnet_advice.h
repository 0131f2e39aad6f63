// What a comparison finds of MixNet beyond what was asked for, for the advice: what the best
// settings would give, and whether setting circuits anew during training pays.
//
// Cost: at most 8 simulations of MixNet alone at one speed, and one at each where other settings
// were asked for.
#pragma once

#include <span>

#include "compare/comparison_jobs.h"

namespace mixnet {

/// Of the runs, at least one of which is MixNet's.
MixNetAdvice mixnet_advice(const ComparisonRequest& request, std::span<const ComparisonRun> runs,
                           const ComparisonJobs& jobs);

}  // namespace mixnet
