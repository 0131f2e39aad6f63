#include "training/training_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "training/interrupted_work.h"

namespace mixnet {
namespace {

/// PassSums of all stages, replicas and micro-batches, of which the means are asked for.
struct MeanSums {
  MeanTime compute, ep, tp, reconfiguration;

  void add(const PassSums& sums) {
    compute.add(sums.compute);
    ep.add(sums.ep);
    tp.add(sums.tp);
    reconfiguration.add(sums.reconfiguration);
  }
};

}  // namespace

struct TrainingJob::Durations {
  PassSums forward, backward;
  Time shared_nics_busy;  ///< by EP, during backward
};

/// Those that one run of the iteration goes through, in its own time.
struct TrainingJob::Epochs {
  std::vector<std::size_t> index;
  std::vector<Time> begins;
};

TrainingJob::TrainingJob(Model model, ParallelPlan plan, Gpu gpu, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, IterationOptions options)
    : model_(std::move(model)),
      plan_(plan),
      gpu_(std::move(gpu)),
      options_(std::move(options)),
      compute_(model_, plan_, gpu_, options_.compute) {
  check_network_options(options_.network, plan_);
  check_domains(fabrics, options_.network, plan_);
  std::vector<Time> moments = {Time::zero()};
  for (const Failure& failure : options_.failures.failures) {
    if (failure.at) moments.push_back(*failure.at);
  }
  std::ranges::sort(moments);
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  for (const Time moment : moments) {
    std::vector<Failure> failed;
    Epoch& epoch = epochs_.emplace_back();
    epoch.begins = moment;
    for (const Failure& failure : options_.failures.failures) {
      if (failure.at.value_or(Time::zero()) > moment) continue;
      failed.push_back(failure);
      epoch.loses_work |= moment > Time::zero() && failure.at == moment &&
                          (failure.part == FailedPart::kServer || failure.part == FailedPart::kGpu);
    }
    const PhaseOptions phases = {
        options_.network,
        options_.gradient_bytes,
        options_.fidelity,
        options_.reconfiguration,
        options_.reconfiguration_delay,
        ClusterHealth(failed, plan_, options_.network.nics_per_server, options_.failures.backup)};
    epoch.phases = measure_phases(model_, plan_, routing, fabrics, phases);
  }
}

const FabricPhases& TrainingJob::phases_on(std::size_t epoch, FabricKind fabric) const {
  return *std::ranges::find(epochs_[epoch].phases.fabrics, fabric, &FabricPhases::kind);
}

const FidelityReport& TrainingJob::fidelity(FabricKind fabric) const {
  return phases_on(0, fabric).report;
}

double TrainingJob::scale_up_rate(const Pace& pace) const {
  if (!pace.phases.gpu_bandwidth) return gpu_.scale_up_bytes_per_second;
  const GpuBandwidth& gpu = *pace.phases.gpu_bandwidth;
  return gpu.scale_up.bytes_per_second() * pace.nic_rate.bytes_per_second() /
         gpu.ethernet.bytes_per_second();
}

/// All-gather or reduce-scatter of `bytes` over a TP group.
Time TrainingJob::tp_phase(const Pace& pace, double bytes) const {
  if (plan_.tp == 1 || pace.phases.kind == FabricKind::kIdeal) return Time::zero();
  if (plan_.tp > plan_.gpus_per_server)
    return scaled(pace.phases.tp_gigabyte.at(pace.nic_rate), bytes * 1e-9);
  return Time::from_seconds(bytes * (plan_.tp - 1) / plan_.tp / scale_up_rate(pace));
}

/// What one all-to-all takes inside servers.
Time TrainingJob::scale_up_time(const Pace& pace, std::int64_t bytes) const {
  return Time::from_seconds(static_cast<double>(bytes) / scale_up_rate(pace));
}

/// The all-to-alls of one layer with what one takes `inside` servers, at one speed.
SwitchedExchange TrainingJob::switched_exchange(const Pace& pace, std::size_t place,
                                                const ExchangeTimes& exchange, Time inside) const {
  const auto with_scale_up = [&](const PhaseTime& phase, Time scale_up) {
    const Time network = phase.at(pace.nic_rate);
    if (network == Time::max()) return network;
    return options_.pipelined_ep_steps ? std::max(network, scale_up) : network + scale_up;
  };
  const auto real = [&](const PhaseTime& phase) { return with_scale_up(phase, inside); };
  SwitchedExchange switched;
  switched.dispatch = real(exchange.dispatch);
  switched.combine = real(exchange.combine);
  switched.present_dispatch = real(exchange.present_dispatch);
  switched.present_combine = real(exchange.present_combine);
  switched.moving_dispatch = real(exchange.moving_dispatch);
  switched.changes = exchange.circuits_change;
  if (!exchange.switched || pace.job.forecasts.empty()) return switched;

  const DemandForecast& forecast = pace.job.forecasts[place];
  const Time expected_inside = scale_up_time(pace, forecast.scale_up_bytes);
  const auto expected = [&](const PhaseTime& phase) {
    return with_scale_up(phase, expected_inside);
  };
  switched.predicted_dispatch = real(exchange.predicted_dispatch);
  switched.predicted_combine = real(exchange.predicted_combine);
  switched.predicted_is_wanted = exchange.predicted_is_wanted;
  switched.forecast = {
      expected(exchange.expected_predicted), expected(exchange.expected_present),
      scaled(compute_.experts(forecast.busiest_rank_tokens).forward, pace.compute_scale),
      exchange.predicted_is_present};
  return switched;
}

LayerTimes TrainingJob::layer_times(const Pace& pace, const WorkPlace& at, int layer) const {
  const double token_bytes = kBytesPerNumber * model_.hidden;
  const double sequence_bytes = token_bytes * static_cast<double>(plan_.tokens_per_micro_batch());
  const auto compute = [&](OperationTime time) {
    return OperationTime{scaled(time.forward, pace.compute_scale),
                         scaled(time.backward, pace.compute_scale)};
  };
  LayerTimes times;
  times.backward_tp_phases = options_.sequence_parallel ? 3 : 2;
  const OperationTime attention = compute_.time(Operation::kAttention);
  times.attention = compute(attention);
  times.attention_tp = tp_phase(pace, sequence_bytes);
  const int moe_layer = pace.job.moe_index[layer];
  times.is_moe = moe_layer >= 0;
  if (!times.is_moe) {
    times.dense_ffn = compute(compute_.time(Operation::kDenseFfn));
    times.ffn_tp = times.attention_tp;
    return times;
  }
  const std::size_t place = pace.job.place_index(at.replica, at.micro_batch, moe_layer);
  const std::int64_t busiest_tokens = pace.job.busiest_rank_tokens[place];
  times.gate = compute(compute_.time(Operation::kGate));
  const OperationTime experts = compute_.experts(busiest_tokens);
  times.experts = compute(experts);
  times.ffn_tp = tp_phase(pace, token_bytes * static_cast<double>(busiest_tokens));
  if (model_.shared_intermediate > 0) {
    times.shared_experts = compute(compute_.time(Operation::kSharedExperts));
    times.shared_tp = times.attention_tp;
  }
  if (pace.phases.kind == FabricKind::kIdeal) return times;

  const ExchangeTimes& exchange = pace.phases.exchanges[pace.job.exchange_index(
      pace.phases, at.stage, at.replica, at.micro_batch, moe_layer)];
  times.exchange = &exchange;
  times.nic_rate = pace.nic_rate;
  times.scale_up = scale_up_time(pace, pace.phases.scale_up_bytes[place]);
  times.pipelined_steps = options_.pipelined_ep_steps;
  times.all_to_alls = switched_exchange(pace, place, exchange, times.scale_up);
  const SwitchedExchange& all = times.all_to_alls;
  if (!exchange.switched) {
    times.forward.exchange = times.backward.exchange = all.dispatch + all.combine;
    return times;
  }
  times.delay = options_.reconfiguration_delay;
  times.forward = forward_cost(options_.reconfiguration, times.delay, all, times.attention.forward,
                               times.experts.forward);
  times.backward = backward_cost(options_.reconfiguration, times.delay, all,
                                 scaled(attention.backward + experts.backward, pace.compute_scale));
  return times;
}

TrainingJob::Durations TrainingJob::stage_durations(const Pace& pace, int stage, int replica,
                                                    int micro_batch) const {
  Durations sum;
  const auto [first, end] = stage_layers(model_.layers, plan_.pp, stage);
  for (int layer = first; layer < end; ++layer) {
    const LayerTimes times = layer_times(pace, {stage, replica, micro_batch}, layer);
    sum.forward.add(times.sums(false));
    sum.backward.add(times.sums(true));
    if (times.exchange == nullptr) continue;
    sum.shared_nics_busy +=
        PhaseTime{times.exchange->shared_nics_busy, Time::zero()}.at(pace.nic_rate);
  }
  if (stage == plan_.pp - 1) {
    const OperationTime head = compute_.time(Operation::kHead);
    sum.forward.compute += scaled(head.forward, pace.compute_scale);
    sum.backward.compute += scaled(head.backward, pace.compute_scale);
  }
  return sum;
}

Time TrainingJob::gradient_time(const Pace& pace, int stage) const {
  if (pace.phases.kind == FabricKind::kIdeal) return Time::zero();
  const GradientTimes& gradient = pace.phases.gradients[stage];
  const Time scale_up =
      Time::from_seconds(static_cast<double>(gradient.scale_up.count) / scale_up_rate(pace));
  return std::max(gradient.dense.at(pace.nic_rate) + gradient.expert.at(pace.nic_rate), scale_up);
}

IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate,
                                    double compute_scale) const {
  return simulate(fabric, nic_rate, compute_scale, nullptr);
}

IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                                    TimelineRecorder* recorder) const {
  Time lost = Time::zero();
  for (std::size_t first = 0;;) {
    // What fails while nobody works yet is part of the beginning.
    for (std::size_t e = first + 1; e < epochs_.size() && epochs_[e].begins <= lost; ++e) {
      first = e;
      if (epochs_[e].loses_work) lost = epochs_[e].begins + options_.failures.outage;
    }
    Epochs epochs{{first}, {Time::zero()}};
    std::size_t last = first + 1;
    for (; last < epochs_.size() && !epochs_[last].loses_work; ++last) {
      epochs.index.push_back(last);
      epochs.begins.push_back(epochs_[last].begins - lost);
    }
    IterationTime time = run(fabric, nic_rate, compute_scale, epochs, recorder);
    if (last == epochs_.size() || epochs_[last].begins >= lost + time.total) {
      if (!time.total.is_finite()) refuse_endless(fabric, nic_rate);
      time.lost = lost;
      time.total += lost;
      return time;
    }
    lost = epochs_[last].begins + options_.failures.outage;
    first = last;
  }
}

/// Says why an iteration does not end: by the first kind of phase that does not.
void TrainingJob::refuse_endless(FabricKind fabric, Bandwidth nic_rate) const {
  const auto endless = [&](const PhaseTime& phase) { return !phase.at(nic_rate).is_finite(); };
  std::string_view what;
  for (std::size_t e = 0; e < epochs_.size() && what.empty(); ++e) {
    const FabricPhases& phases = phases_on(e, fabric);
    if (std::ranges::any_of(phases.exchanges, [&](const ExchangeTimes& exchange) {
          return endless(exchange.dispatch) || endless(exchange.combine);
        })) {
      what = "an all-to-all (EP)";
    } else if (endless(phases.tp_gigabyte)) {
      what = "an all-gather of tensor parallelism (TP)";
    } else if (std::ranges::any_of(phases.sends, endless)) {
      what = "a send between pipeline stages (PP)";
    } else if (std::ranges::any_of(phases.gradients, [&](const GradientTimes& gradient) {
                 return endless(gradient.dense) || endless(gradient.expert);
               })) {
      what = "an all-reduce of gradients (DP)";
    }
  }
  const std::string where = fmt::format("{} at {}", to_string(fabric), to_string(nic_rate));
  if (what.empty()) {
    throw Error(where, "an iteration takes over 106 days, the longest time that is counted",
                "give a faster --bandwidth, or a smaller job");
  }
  if (options_.fidelity.fidelity == Fidelity::kFluid) {
    throw Error(where, fmt::format("{} never ends", what),
                "give a faster --bandwidth, or fewer failures");
  }
  throw Error(where, fmt::format("{} never ends: packets are dropped again and again", what),
              "give a faster --bandwidth, a larger --queue, fewer failures or --fidelity fluid");
}

IterationTime TrainingJob::run(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                               const Epochs& epochs, TimelineRecorder* recorder) const {
  const int stages = plan_.pp;
  const int micro_batches = plan_.micro_batches();
  const int replicas = plan_.replicas();
  const std::size_t count = epochs.index.size();
  std::vector<Pace> paces;
  for (const std::size_t epoch : epochs.index) {
    paces.push_back({epochs_[epoch].phases, phases_on(epoch, fabric), nic_rate, compute_scale});
  }
  if (recorder != nullptr) recorder->begin();

  std::vector<Matrix<Durations>> durations(count, Matrix<Durations>(stages, micro_batches));
  std::vector<std::vector<Time>> sends(count);
  for (std::size_t e = 0; e < count; ++e) {
    for (const PhaseTime& send : paces[e].phases.sends) sends[e].push_back(send.at(nic_rate));
  }
  int replica = 0;  // the one whose pipeline runs
  std::vector<Time> lengths(count);
  std::vector<WorkPiece> pieces(count);
  MeanSums busy;
  const auto send_time = [&](int boundary, Time at) {
    const auto& all = sends[epoch_at(at, epochs.begins)];
    return all.empty() ? Time::zero() : all[boundary];
  };
  const auto end_of = [&](int stage, int i, bool forward, Time start) {
    for (std::size_t e = 0; e < count; ++e) {
      const Durations& all = durations[e](stage, i);
      lengths[e] = (forward ? all.forward : all.backward).total();
    }
    return end_of_work(start, epochs.begins, lengths, options_.failures.outage, pieces);
  };
  const auto record = [&](const WorkPlace& place, Time start, Time end) {
    std::vector<std::vector<TimelineSpan>> plans(count);
    for (std::size_t e = 0; e < count; ++e) {
      if (pieces[e].share > 0) plans[e] = plan_work(paces[e], place);
    }
    recorder->add_work(place, start, end, pieces, plans, lengths);
    const int boundary = place.is_backward ? place.stage - 1 : place.stage;
    if (boundary >= 0 && boundary + 1 < stages) {
      recorder->add_send(place, end, end + send_time(boundary, end));
    }
  };
  const auto end_and_count = [&](int stage, int i, bool forward, Time start) {
    const Time end = end_of(stage, i, forward, start);
    for (std::size_t e = 0; e < count; ++e) {
      const Durations& all = durations[e](stage, i);
      if (pieces[e].share > 0) {
        busy.add((forward ? all.forward : all.backward).times(pieces[e].share));
      }
    }
    if (recorder != nullptr && recorder->wants(stage, replica)) {
      record({stage, replica, i, !forward}, start, end);
    }
    return end;
  };
  const PipelineWork free_sends = {stages, micro_batches, end_of,
                                   [](int, Time) { return Time::zero(); }};
  const PipelineWork with_all = {stages, micro_batches, end_and_count, send_time};

  Time without_sends = Time::zero();
  std::vector<Time> stage_end(stages);
  std::vector<Time> overlap(stages, Time::max());  // what the slowest replica's backward can hide
  for (; replica < replicas; ++replica) {
    for (std::size_t e = 0; e < count; ++e) {
      for (int stage = 0; stage < stages; ++stage) {
        for (int i = 0; i < micro_batches; ++i) {
          durations[e](stage, i) = stage_durations(paces[e], stage, replica, i);
        }
      }
    }
    without_sends =
        std::max(without_sends, std::ranges::max(run_pipeline(free_sends, options_.schedule)));
    const std::vector<Time> ends = run_pipeline(with_all, options_.schedule);
    for (int stage = 0; stage < stages; ++stage) {
      stage_end[stage] = std::max(stage_end[stage], ends[stage]);
      const Durations& last =
          durations[epoch_at(ends[stage], epochs.begins)](stage, micro_batches - 1);
      const auto [first_layer, end_layer] = stage_layers(model_.layers, stages, stage);
      const std::int64_t layers = end_layer - first_layer;
      const Time free = std::max(Time::zero(), last.backward.total() - last.shared_nics_busy);
      overlap[stage] = std::min(overlap[stage], free / layers * (layers - 1));
    }
  }
  const Time with_sends = std::ranges::max(stage_end);

  Time with_gradients = with_sends;
  for (int stage = 0; stage < stages; ++stage) {
    const Time hidden = options_.overlap_dp ? overlap[stage] : Time::zero();
    const Time start = stage_end[stage] - hidden;
    const Time end = start + gradient_time(paces[epoch_at(stage_end[stage], epochs.begins)], stage);
    with_gradients = std::max({with_gradients, stage_end[stage], end});
    if (recorder != nullptr) {
      recorder->add_everywhere(stage, TimelineTrack::kGradients, TimelinePart::kAllReduce, start,
                               end);
    }
  }
  const Time optimizer = scaled(compute_.time(Operation::kOptimizer).forward, compute_scale);

  const std::int64_t pipelines = std::int64_t{stages} * replicas;
  IterationTime result;
  result.total = with_gradients + optimizer;
  result.compute = busy.compute.over(pipelines) + optimizer;
  result.ep = busy.ep.over(pipelines);
  result.tp = busy.tp.over(pipelines);
  result.reconfiguration = busy.reconfiguration.over(pipelines);
  result.pp = with_sends - without_sends;
  result.dp = with_gradients - with_sends;
  result.bubble = result.total - result.compute - result.ep - result.tp - result.reconfiguration -
                  result.pp - result.dp;
  if (recorder != nullptr) {
    recorder->add_everywhere(-1, TimelineTrack::kCompute, TimelinePart::kOptimizer, with_gradients,
                             result.total);
  }
  return result;
}

}  // namespace mixnet
