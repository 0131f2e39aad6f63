#include "training/timeline_recorder.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace mixnet {
namespace {

bool is_dark(const TimelineSpan& span) {
  return span.part == TimelinePart::kDark || span.part == TimelinePart::kDarkAsCounted ||
         span.part == TimelinePart::kPartlyDark;
}

bool is_exchange(const TimelineSpan& span) {
  return span.track == TimelineTrack::kAllToAll && span.part != TimelinePart::kWait;
}

bool same_region(const TimelineSpan& a, const TimelineSpan& b) {
  return a.stage == b.stage && a.replica == b.replica;
}

/// What is longer contains what begins with it.
bool is_before(const TimelineSpan& a, const TimelineSpan& b) {
  return std::tuple(a.replica, a.stage, a.track, a.start, b.end) <
         std::tuple(b.replica, b.stage, b.track, b.start, a.end);
}

}  // namespace

TimelineRecorder::TimelineRecorder(int stages, int replicas, const TimelineOptions& options)
    : stages_(stages) {
  timeline_.stages = stages;
  timeline_.replicas = replicas;
  timeline_.regions =
      static_cast<int>(std::min<std::int64_t>(options.regions, std::int64_t{stages} * replicas));
}

void TimelineRecorder::begin() { timeline_.spans.clear(); }

TimelineSpan& TimelineRecorder::add(const WorkPlace& place, TimelineTrack track, TimelinePart part,
                                    Time start, Time end) {
  TimelineSpan& span = timeline_.spans.emplace_back();
  span.track = track;
  span.part = part;
  span.is_backward = place.is_backward;
  span.stage = static_cast<std::int16_t>(place.stage);
  span.replica = place.replica;
  span.micro_batch = place.micro_batch;
  span.start = start;
  span.end = end;
  return span;
}

void TimelineRecorder::add_work(const WorkPlace& place, Time start, Time end,
                                std::span<const WorkPiece> pieces,
                                std::span<const std::vector<TimelineSpan>> plans,
                                std::span<const Time> lengths) {
  add(place, TimelineTrack::kWork, TimelinePart::kMicroBatch, start, end);
  Time now = start;
  double done = 0;
  for (std::size_t e = 0; e < pieces.size(); ++e) {
    const WorkPiece& piece = pieces[e];
    if (piece.share == 0) continue;
    if (piece.start > now) {
      add(place, TimelineTrack::kWork, TimelinePart::kOutage, now, piece.start);
    }
    // The plan from `from` to `to` is what was done.
    const auto length = static_cast<double>(lengths[e].ps);
    const bool is_last = std::all_of(pieces.begin() + static_cast<std::ptrdiff_t>(e) + 1,
                                     pieces.end(), [](const auto& p) { return p.share == 0; });
    const Time to_do = is_last ? end - piece.start : Time{std::llround(piece.share * length)};
    const Time from = is_last ? lengths[e] - to_do : Time{std::llround(done * length)};
    for (const TimelineSpan& planned : plans[e]) {
      const Time first = std::max(planned.start, from);
      const Time last = std::min(planned.end, from + to_do);
      if (last <= first) continue;
      TimelineSpan& span = add(place, planned.track, planned.part, piece.start + first - from,
                               piece.start + last - from);
      span.layer = planned.layer;
    }
    now = piece.start + to_do;
    done += piece.share;
  }
}

void TimelineRecorder::add_everywhere(int stage, TimelineTrack track, TimelinePart part, Time start,
                                      Time end) {
  if (end <= start) return;
  for (int region = 0; region < timeline_.regions; ++region) {
    const WorkPlace place = {region % stages_, region / stages_, -1, false};
    if (stage < 0 || stage == place.stage) add(place, track, part, start, end);
  }
}

void TimelineRecorder::add_send(const WorkPlace& place, Time start, Time end) {
  if (end > start) add(place, TimelineTrack::kSends, TimelinePart::kSend, start, end);
}

/// `region`: its spans on the all-to-all and switch tracks, by start.
void TimelineRecorder::add_lit(std::span<const TimelineSpan> region, Time end,
                               std::vector<TimelineSpan>& lit) const {
  TimelineSpan open = region.front();  // for its place
  open.track = TimelineTrack::kSwitch;
  open.part = TimelinePart::kLit;
  open.is_backward = false;
  open.micro_batch = open.layer = -1;
  open.start = Time::zero();
  bool is_known = false;  // for which layer the circuits are
  const auto close = [&](Time at) {
    open.end = at;
    if (open.end > open.start) lit.push_back(open);
  };
  for (const TimelineSpan& span : region) {
    if (is_dark(span)) {
      close(span.start);
      open.start = span.end;
      open.micro_batch = open.layer = -1;
      is_known = false;
      continue;
    }
    if (!is_exchange(span)) continue;
    const bool moves_unseen = switches_at_once_ && is_known &&
                              (open.layer != span.layer || open.micro_batch != span.micro_batch);
    if (moves_unseen) {
      close(span.start);
      open.start = span.start;
    }
    if (!is_known || moves_unseen) {
      open.layer = span.layer;
      open.micro_batch = span.micro_batch;
      is_known = true;
    }
  }
  close(end);
}

IterationTimeline TimelineRecorder::take(const IterationTime& time) {
  std::vector<TimelineSpan>& spans = timeline_.spans;
  std::ranges::sort(spans, is_before);
  if (timeline_.has_switch) {
    std::vector<TimelineSpan> lit, region;
    for (std::size_t begin = 0, last = 0; begin < spans.size(); begin = last) {
      region.clear();
      for (; last < spans.size() && same_region(spans[begin], spans[last]); ++last) {
        if (is_dark(spans[last]) || is_exchange(spans[last])) region.push_back(spans[last]);
      }
      std::ranges::sort(region, {}, &TimelineSpan::start);
      if (!region.empty()) add_lit(region, time.total - time.lost, lit);
    }
    spans.insert(spans.end(), lit.begin(), lit.end());
  }
  if (time.lost > Time::zero()) {
    for (TimelineSpan& span : spans) {
      span.start += time.lost;
      span.end += time.lost;
    }
    add_everywhere(-1, TimelineTrack::kWork, TimelinePart::kLost, Time::zero(), time.lost);
  }
  std::ranges::sort(spans, is_before);
  timeline_.time = time;
  return std::move(timeline_);
}

}  // namespace mixnet
