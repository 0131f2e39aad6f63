#include "training/timeline.h"

#include <algorithm>
#include <utility>

#include "training/time_bins.h"

namespace mixnet {
namespace {

using Intervals = std::vector<std::pair<Time, Time>>;

/// Adds the time in which there is one of them at least.
void add_union(Intervals& intervals, TimeBins& bins) {
  std::ranges::sort(intervals);
  Time reached = Time::zero();
  for (const auto& [start, end] : intervals) {
    if (end <= reached) continue;
    bins.add(std::max(start, reached), end);
    reached = end;
  }
  intervals.clear();
}

}  // namespace

TimelineUse use_of(const IterationTimeline& timeline, int bins) {
  if (timeline.regions == 0 || timeline.time.total == Time::zero()) {
    const std::vector<double> none(static_cast<std::size_t>(bins));
    return {none, none, none, none, none};
  }
  struct Kind {
    TimeBins bins;
    Intervals intervals = {};  ///< of one region
  };
  const TimeBins empty(timeline.time.total, bins);
  Kind compute{empty}, scale_up{empty}, all_to_all{empty}, eps{empty}, dark{empty};
  const std::vector<TimelineSpan>& spans = timeline.spans;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TimelineSpan& span = spans[i];
    const std::pair interval = {span.start, span.end};
    switch (span.track) {
      case TimelineTrack::kWork:
        break;
      case TimelineTrack::kCompute:
        compute.intervals.push_back(interval);
        break;
      case TimelineTrack::kScaleUp:
        scale_up.intervals.push_back(interval);
        break;
      case TimelineTrack::kAllToAll:
        if (span.part == TimelinePart::kWait) break;
        all_to_all.intervals.push_back(interval);
        if (!timeline.has_switch) eps.intervals.push_back(interval);
        break;
      case TimelineTrack::kSwitch:
        if (span.part != TimelinePart::kLit) dark.intervals.push_back(interval);
        break;
      case TimelineTrack::kEps:
      case TimelineTrack::kSends:
      case TimelineTrack::kGradients:
        eps.intervals.push_back(interval);
        break;
    }
    const bool ends_region = i + 1 == spans.size() || spans[i + 1].stage != span.stage ||
                             spans[i + 1].replica != span.replica;
    if (!ends_region) continue;
    for (Kind* kind : {&compute, &scale_up, &all_to_all, &eps, &dark}) {
      add_union(kind->intervals, kind->bins);
    }
  }
  const auto share = [&](const Kind& kind) {
    std::vector<double> means = kind.bins.means();
    for (double& mean : means) mean /= timeline.regions;
    return means;
  };
  return {share(compute), share(scale_up), share(all_to_all), share(eps), share(dark)};
}

}  // namespace mixnet
