// The timeline of an iteration: what TrainingJob records of the run that gives its time.
#include <algorithm>
#include <utility>

#include "training/training_job.h"

namespace mixnet {
namespace {

void add(std::vector<TimelineSpan>& spans, TimelineTrack track, TimelinePart part, Time start,
         Time end, bool is_backward, int layer) {
  TimelineSpan& span = spans.emplace_back();
  span.track = track;
  span.part = part;
  span.is_backward = is_backward;
  span.layer = layer;
  span.start = start;
  span.end = end;
}

}  // namespace

/// The work as it goes on from zero, without interruption.
std::vector<TimelineSpan> TrainingJob::plan_work(const Pace& pace, const WorkPlace& place) const {
  std::vector<TimelineSpan> spans;
  Time now = Time::zero();
  const auto pass = [&](int layer) {
    const std::size_t begin = spans.size();
    const Time end = lay_out(layer_times(pace, place, layer), place.is_backward, now, spans);
    for (std::size_t i = begin; i < spans.size(); ++i) spans[i].layer = layer;
    add(spans, TimelineTrack::kWork, TimelinePart::kLayer, now, end, place.is_backward, layer);
    now = end;
  };
  const auto head = [&] {
    if (place.stage + 1 < plan_.pp) return;
    const OperationTime time = compute_.time(Operation::kHead);
    const Time end =
        now + scaled(place.is_backward ? time.backward : time.forward, pace.compute_scale);
    add(spans, TimelineTrack::kCompute, TimelinePart::kHead, now, end, place.is_backward, -1);
    now = end;
  };
  const auto [first, end] = stage_layers(model_.layers, plan_.pp, place.stage);
  if (place.is_backward) {
    head();
    for (int layer = end; layer-- > first;) pass(layer);
  } else {
    for (int layer = first; layer < end; ++layer) pass(layer);
    head();
  }
  return spans;
}

IterationTimeline TrainingJob::record(FabricKind fabric, Bandwidth nic_rate,
                                      const TimelineOptions& options, double compute_scale) const {
  TimelineRecorder recorder(plan_.pp, plan_.replicas(), options);
  const auto& exchanges = phases_on(0, fabric).exchanges;
  if (std::ranges::any_of(exchanges, &ExchangeTimes::switched)) {
    recorder.set_switch(options_.reconfiguration == Reconfiguration::kHidden);
  }
  const IterationTime time = simulate(fabric, nic_rate, compute_scale, &recorder);
  return recorder.take(time);
}

std::vector<TimelineSpan> TrainingJob::record_layer(FabricKind fabric, Bandwidth nic_rate,
                                                    const LayerPass& pass,
                                                    double compute_scale) const {
  const Pace pace = {epochs_[0].phases, phases_on(0, fabric), nic_rate, compute_scale};
  int stage = 0;
  while (stage_layers(model_.layers, plan_.pp, stage).end <= pass.layer) ++stage;
  std::vector<TimelineSpan> spans;
  lay_out(layer_times(pace, {stage, pass.replica, pass.micro_batch, pass.is_backward}, pass.layer),
          pass.is_backward, Time::zero(), spans);
  for (TimelineSpan& span : spans) {
    span.stage = static_cast<std::int16_t>(stage);
    span.replica = pass.replica;
    span.micro_batch = pass.micro_batch;
    span.layer = pass.layer;
  }
  std::ranges::stable_sort(spans, [](const TimelineSpan& a, const TimelineSpan& b) {
    return std::pair(a.track, a.start) < std::pair(b.track, b.start);
  });
  return spans;
}

}  // namespace mixnet
