#include "training/training_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "fabric/fabric_error.h"
#include "memory/rank_parameters.h"
#include "moe/stage_layers.h"
#include "training/attempt.h"
#include "training/endless_phase.h"
#include "training/network_checks.h"

namespace mixnet {
namespace {

bool loses_work(const Failure& failure) {
  return failure.part == FailedPart::kServer || failure.part == FailedPart::kGpu;
}

/// The beginning, and when something fails under way.
std::vector<Time> moments_of(std::span<const Failure> failures) {
  std::vector<Time> moments = {Time::zero()};
  for (const Failure& failure : failures) {
    if (failure.at) moments.push_back(*failure.at);
  }
  std::ranges::sort(moments);
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  return moments;
}

JobSetup setup_of(Model model, const ParallelPlan& plan, Gpu gpu, IterationOptions options) {
  options.compute.gradient_bytes = options.gradient_bytes;
  const ComputeModel compute(model, plan, gpu, options.compute,
                             static_cast<double>(busiest_rank_parameters(model, plan)));
  return {std::move(model), plan, std::move(gpu), std::move(options), compute};
}

}  // namespace

TrainingJob::TrainingJob(Model model, ParallelPlan plan, Gpu gpu, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, IterationOptions options,
                         DemandCache* demands)
    : job_(setup_of(std::move(model), plan, std::move(gpu), std::move(options))) {
  job_.options.network = network_in_use(job_.options.network, job_.plan);
  check_network_options(job_.options.network, job_.plan);
  check_domains(fabrics, job_.options.network, job_.plan);
  check_schedule(job_.plan.vpp, job_.options.schedule);
  const FailureOptions& failures = job_.options.failures;
  for (const Time moment : moments_of(failures.failures)) {
    std::vector<Failure> failed;
    Period& period = periods_.emplace_back();
    period.begins = moment;
    for (const Failure& failure : failures.failures) {
      if (failure.at.value_or(Time::zero()) > moment) continue;
      failed.push_back(failure);
      period.loses_work |= moment > Time::zero() && failure.at == moment && loses_work(failure);
    }
    const ClusterHealth health(failed, job_.plan, job_.options.network.nics_per_server,
                               failures.backup);
    period.phases =
        measure_phases(job_.model, job_.plan, routing, fabrics, job_.options, health, demands);
  }
}

const FabricPhases& TrainingJob::phases_on(const Period& period, FabricKind fabric) const {
  return *std::ranges::find(period.phases.fabrics, fabric, &FabricPhases::kind);
}

const FidelityReport& TrainingJob::fidelity(FabricKind fabric) const {
  return phases_on(periods_.front(), fabric).report;
}

IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate,
                                    double compute_scale) const {
  return simulate(fabric, nic_rate, compute_scale, nullptr);
}

/// Attempt by attempt, until one is not cut off.
IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                                    TimelineRecorder* recorder) const {
  Time lost = Time::zero();
  for (std::size_t first = 0;;) {
    // What fails while nobody works yet is part of the beginning.
    for (std::size_t p = first + 1; p < periods_.size() && periods_[p].begins <= lost; ++p) {
      first = p;
      if (periods_[p].loses_work) lost = periods_[p].begins + job_.options.failures.outage;
    }
    const auto paced = [&](const Period& period) {
      return PacedJob(job_, period.phases, fabric, nic_rate, compute_scale);
    };
    std::vector<Epoch> epochs = {{Time::zero(), paced(periods_[first])}};
    std::size_t last = first + 1;
    for (; last < periods_.size() && !periods_[last].loses_work; ++last) {
      epochs.push_back({periods_[last].begins - lost, paced(periods_[last])});
    }
    IterationTime time = Attempt(job_, epochs, recorder).run();
    if (last == periods_.size() || periods_[last].begins >= lost + time.total) {
      if (!time.total.is_finite()) refuse_endless(fabric, nic_rate);
      time.lost = lost;
      time.total += lost;
      check_invariants(time);
      return time;
    }
    lost = periods_[last].begins + job_.options.failures.outage;
    first = last;
  }
}

/// Says why an iteration does not end.
void TrainingJob::refuse_endless(FabricKind fabric, Bandwidth nic_rate) const {
  std::string_view what;
  for (const Period& period : periods_) {
    if (what.empty()) what = endless_phase(phases_on(period, fabric), nic_rate);
  }
  const std::string where = fmt::format("{} at {}", to_string(fabric), to_string(nic_rate));
  if (what.empty()) {
    throw FabricError(fabric, where,
                      "an iteration takes over 106 days, the longest time that is counted",
                      "give a faster --bandwidth, or a smaller job");
  }
  if (job_.options.fidelity.fidelity == Fidelity::kFluid) {
    throw FabricError(fabric, where, fmt::format("{} never ends", what),
                      "give a faster --bandwidth, or fewer failures");
  }
  throw FabricError(
      fabric, where, fmt::format("{} never ends: packets are dropped again and again", what),
      "give a faster --bandwidth, a larger --queue, fewer failures or --fidelity fluid");
}

IterationTimeline TrainingJob::record(FabricKind fabric, Bandwidth nic_rate,
                                      const TimelineOptions& options, double compute_scale) const {
  TimelineRecorder recorder(job_.plan.pp, job_.plan.replicas(), options);
  if (std::ranges::any_of(phases_on(periods_.front(), fabric).exchanges,
                          &ExchangeTimes::switched)) {
    recorder.set_switch(!needs_of(job_.options.reconfiguration).delay);
  }
  const IterationTime time = simulate(fabric, nic_rate, compute_scale, &recorder);
  return recorder.take(time);
}

std::vector<TimelineSpan> TrainingJob::record_layer(FabricKind fabric, Bandwidth nic_rate,
                                                    const LayerPass& pass,
                                                    double compute_scale) const {
  const PacedJob pace(job_, periods_.front().phases, fabric, nic_rate, compute_scale);
  int stage = 0;
  while (stage_layers(job_.model, job_.plan, stage).end <= pass.layer) ++stage;
  const WorkPlace work = {stage, pass.replica, pass.micro_batch, pass.is_backward};
  std::vector<TimelineSpan> spans;
  lay_out(pace.layer_times(work, pass.layer), pass.is_backward, Time::zero(), spans);
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
