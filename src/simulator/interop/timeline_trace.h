// The timeline of an iteration as Chrome's trace events: a process for every region, with the
// tracks of training/timeline.h, and one for all regions, with counters. docs/timeline.md says how
// to read it.
//
// Pure, deterministic. About 130 bytes a span.
#pragma once

#include <string>
#include <string_view>

#include "training/timeline.h"

namespace mixnet {

/// Values of each counter: means over so many parts of the iteration.
inline constexpr int kTraceCounterBins = 2000;

/// `title`: what was simulated.
std::string to_chrome_trace(const IterationTimeline& timeline, std::string_view title);

}  // namespace mixnet
