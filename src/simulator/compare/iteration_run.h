// One iteration of one model on one fabric at one speed: as a comparison of one, and what happens
// in it when.
//
// Deterministic.
#pragma once

#include <cstdint>
#include <string>

#include "compare/comparison.h"
#include "training/timeline.h"

namespace mixnet {

struct IterationRun {
  /// With one run, which has no performance per dollar: there is nothing to compare it with.
  Comparison comparison;
  IterationTimeline timeline;
};

/// Of the request's one fabric and bandwidth. Throws Error when it has several, and as compare()
/// does.
IterationRun run_iteration(const ComparisonRequest& request, const TimelineOptions& timeline);

/// The most spans that a region of such a job has in a timeline, about.
std::int64_t spans_of_region(const Model& model, const ParallelPlan& plan);

/// "Mixtral 8x7B on mixnet, 400 Gb/s a NIC": for a timeline's title.
std::string title_of(const ComparisonRequest& request);

}  // namespace mixnet
