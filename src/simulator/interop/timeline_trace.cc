#include "interop/timeline_trace.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/trace_events.h"

namespace mixnet {
namespace {

constexpr double kPercent = 100;

std::string name_of(const TimelineSpan& span) {
  switch (span.part) {
    case TimelinePart::kMicroBatch:
      return fmt::format("{} {}", span.is_backward ? "backward" : "forward", span.micro_batch);
    case TimelinePart::kLayer:
      return fmt::format("layer {}", span.layer);
    case TimelinePart::kLit:
      return span.layer < 0 ? "lit" : fmt::format("lit for layer {}", span.layer);
    case TimelinePart::kSend:
      return fmt::format("to stage {}", span.is_backward ? span.stage - 1 : span.stage + 1);
    default:
      return std::string(to_string(span.part));
  }
}

void add_slice(ChromeTrace& trace, int track, const TimelineSpan& span) {
  const std::string name = name_of(span);
  const std::int64_t backward = span.is_backward ? 1 : 0;
  if (span.micro_batch < 0) {
    trace.add_slice(track, name, span.start, span.end);
  } else if (span.layer < 0) {
    trace.add_slice(track, name, span.start, span.end,
                    {{"micro_batch", span.micro_batch}, {"backward", backward}});
  } else if (span.part == TimelinePart::kLit) {
    trace.add_slice(track, name, span.start, span.end,
                    {{"micro_batch", span.micro_batch}, {"layer", span.layer}});
  } else {
    trace.add_slice(
        track, name, span.start, span.end,
        {{"micro_batch", span.micro_batch}, {"layer", span.layer}, {"backward", backward}});
  }
}

void add_counters(ChromeTrace& trace, const IterationTimeline& timeline) {
  const int process = trace.add_process(
      fmt::format("{} of {} regions", timeline.regions, timeline.stages * timeline.replicas));
  const TimelineUse use = use_of(timeline, kTraceCounterBins);
  const auto add = [&](std::string_view name, const std::vector<double>& bins) {
    trace.add_counters(process, name, bins, kPercent, timeline.time.total);
  };
  add("computing, %", use.compute);
  add("scale-up in use, %", use.scale_up);
  add("all-to-all under way, %", use.all_to_all);
  if (timeline.has_switch) add("switch dark, %", use.dark);
  add(timeline.has_switch ? "EPS NICs in use, %" : "NICs in use, %", use.eps);
}

}  // namespace

std::string to_chrome_trace(const IterationTimeline& timeline, std::string_view title) {
  ChromeTrace trace(title);
  add_counters(trace, timeline);
  int process = 0;
  int track = 0;
  for (std::size_t i = 0; i < timeline.spans.size(); ++i) {
    const TimelineSpan& span = timeline.spans[i];
    const TimelineSpan* before = i == 0 ? nullptr : &timeline.spans[i - 1];
    const bool is_new_region =
        before == nullptr || before->stage != span.stage || before->replica != span.replica;
    if (is_new_region) {
      process = trace.add_process(fmt::format("replica {}, stage {}", span.replica, span.stage));
    }
    if (is_new_region || before->track != span.track) {
      track = trace.add_track(process, to_string(span.track),
                              span.track == TimelineTrack::kWork ? ChromeTrace::Slices::kNest
                                                                 : ChromeTrace::Slices::kFollow);
    }
    add_slice(trace, track, span);
  }
  return std::move(trace).finish();
}

}  // namespace mixnet
