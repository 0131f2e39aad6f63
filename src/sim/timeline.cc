#include "sim/timeline.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mixnet {
namespace {

using Intervals = std::vector<std::pair<Time, Time>>;

/// Adds, to every bin, the share of it that the intervals cover, times `weight`.
void add_cover(Intervals& intervals, Time total, double weight, std::vector<double>& bins) {
  std::ranges::sort(intervals);
  const auto bin = static_cast<double>(total.ps) / static_cast<double>(bins.size());
  const auto cover = [&](Time start, Time end) {
    const double from = static_cast<double>(start.ps) / bin;
    const double to = std::min(static_cast<double>(end.ps) / bin, static_cast<double>(bins.size()));
    for (auto at = static_cast<std::size_t>(from); at < bins.size(); ++at) {
      const auto left = static_cast<double>(at);
      if (left >= to) break;
      bins[at] += weight * (std::min(to, left + 1) - std::max(from, left));
    }
  };
  Time reached = Time::zero();
  for (const auto& [start, end] : intervals) {
    if (end <= reached) continue;
    cover(std::max(start, reached), end);
    reached = end;
  }
  intervals.clear();
}

}  // namespace

std::string_view to_string(TimelineTrack track) {
  constexpr std::array<std::string_view, kTimelineTracks> kNames = {
      "work", "compute", "scale-up", "all-to-all", "EPS", "switch", "sends", "gradients"};
  return kNames[static_cast<std::size_t>(track)];
}

std::string_view to_string(TimelinePart part) {
  constexpr std::array<std::string_view, kTimelineParts> kNames = {
      "micro-batch",      "layer",           "outage",    "lost",      "attention", "gate",
      "experts",          "shared experts",  "dense FFN", "head",      "optimizer", "TP",
      "gather, scatter",  "wait for switch", "dispatch",  "combine",   "lit",       "dark",
      "dark, as counted", "partly dark",     "send",      "all-reduce"};
  return kNames[static_cast<std::size_t>(part)];
}

TimelineUse use_of(const IterationTimeline& timeline, int bins) {
  const auto size = static_cast<std::size_t>(bins);
  const std::vector<double> none(size, 0);
  TimelineUse use = {none, none, none, none, none};
  if (timeline.regions == 0 || timeline.time.total == Time::zero()) return use;
  const double weight = 1.0 / timeline.regions;
  Intervals compute, scale_up, all_to_all, eps, dark;
  const std::vector<TimelineSpan>& spans = timeline.spans;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TimelineSpan& span = spans[i];
    const std::pair interval = {span.start, span.end};
    switch (span.track) {
      case TimelineTrack::kWork:
        break;
      case TimelineTrack::kCompute:
        compute.push_back(interval);
        break;
      case TimelineTrack::kScaleUp:
        scale_up.push_back(interval);
        break;
      case TimelineTrack::kAllToAll:
        if (span.part == TimelinePart::kWait) break;
        all_to_all.push_back(interval);
        if (!timeline.has_switch) eps.push_back(interval);
        break;
      case TimelineTrack::kSwitch:
        if (span.part != TimelinePart::kLit) dark.push_back(interval);
        break;
      case TimelineTrack::kEps:
      case TimelineTrack::kSends:
      case TimelineTrack::kGradients:
        eps.push_back(interval);
        break;
    }
    const bool ends_region = i + 1 == spans.size() || spans[i + 1].stage != span.stage ||
                             spans[i + 1].replica != span.replica;
    if (!ends_region) continue;
    for (const auto& [intervals, sums] :
         {std::pair(&compute, &use.compute), std::pair(&scale_up, &use.scale_up),
          std::pair(&all_to_all, &use.all_to_all), std::pair(&eps, &use.eps),
          std::pair(&dark, &use.dark)}) {
      add_cover(*intervals, timeline.time.total, weight, *sums);
    }
  }
  return use;
}

}  // namespace mixnet
