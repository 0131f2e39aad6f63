#include "sim/training_job.h"

#include <algorithm>
#include <utility>

#include "sim/interrupted_work.h"

namespace mixnet {
namespace {

constexpr double kBytesPerNumber = 2;  // bf16 activations

Time scaled(Time time, double factor) {
  return time == Time::max() ? time : Time::from_seconds(time.to_seconds() * factor);
}

}  // namespace

struct TrainingJob::Parts {
  Time compute, ep, tp, reconfiguration;

  Time total() const { return compute + ep + tp + reconfiguration; }
  void add(const Parts& other) {
    compute += other.compute;
    ep += other.ep;
    tp += other.tp;
    reconfiguration += other.reconfiguration;
  }
  Parts times(double share) const {
    if (share == 1) return *this;
    return {scaled(compute, share), scaled(ep, share), scaled(tp, share),
            scaled(reconfiguration, share)};
  }
};

struct TrainingJob::Durations {
  Parts forward, backward;
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

double TrainingJob::scale_up_rate(const FabricPhases& phases, Bandwidth nic_rate) const {
  if (!phases.gpu_bandwidth) return gpu_.scale_up_bytes_per_second;
  const GpuBandwidth& gpu = *phases.gpu_bandwidth;
  return gpu.scale_up.bytes_per_second() * nic_rate.bytes_per_second() /
         gpu.ethernet.bytes_per_second();
}

/// All-gather or reduce-scatter of `bytes` over a TP group.
Time TrainingJob::tp_phase(const FabricPhases& phases, double bytes, Bandwidth nic_rate) const {
  if (plan_.tp == 1 || phases.kind == FabricKind::kIdeal) return Time::zero();
  if (plan_.tp > plan_.gpus_per_server)
    return scaled(phases.tp_gigabyte.at(nic_rate), bytes * 1e-9);
  return Time::from_seconds(bytes * (plan_.tp - 1) / plan_.tp / scale_up_rate(phases, nic_rate));
}

/// The all-to-alls of one layer with what they take inside servers, at one speed.
SwitchedExchange TrainingJob::switched_exchange(const JobPhases& job, const FabricPhases& phases,
                                                std::size_t place, const ExchangeTimes& exchange,
                                                Bandwidth nic_rate, double compute_scale) const {
  const auto with_scale_up = [&](const PhaseTime& phase, std::int64_t scale_up_bytes) {
    const Time network = phase.at(nic_rate);
    if (network == Time::max()) return network;
    const Time inside =
        Time::from_seconds(static_cast<double>(scale_up_bytes) / scale_up_rate(phases, nic_rate));
    return options_.pipelined_ep_steps ? std::max(network, inside) : network + inside;
  };
  const auto real = [&](const PhaseTime& phase) {
    return with_scale_up(phase, phases.scale_up_bytes[place]);
  };
  SwitchedExchange switched;
  switched.dispatch = real(exchange.dispatch);
  switched.combine = real(exchange.combine);
  switched.present_dispatch = real(exchange.present_dispatch);
  switched.present_combine = real(exchange.present_combine);
  switched.moving_dispatch = real(exchange.moving_dispatch);
  switched.changes = exchange.circuits_change;
  if (!exchange.switched || job.forecasts.empty()) return switched;

  const DemandForecast& forecast = job.forecasts[place];
  const auto expected = [&](const PhaseTime& phase) {
    return with_scale_up(phase, forecast.scale_up_bytes);
  };
  switched.predicted_dispatch = real(exchange.predicted_dispatch);
  switched.predicted_combine = real(exchange.predicted_combine);
  switched.predicted_is_wanted = exchange.predicted_is_wanted;
  switched.forecast = {
      expected(exchange.expected_predicted), expected(exchange.expected_present),
      scaled(compute_.experts(forecast.busiest_rank_tokens).forward, compute_scale),
      exchange.predicted_is_present};
  return switched;
}

TrainingJob::Durations TrainingJob::stage_durations(const JobPhases& job,
                                                    const FabricPhases& phases, int stage,
                                                    int replica, int micro_batch,
                                                    Bandwidth nic_rate,
                                                    double compute_scale) const {
  Durations sum;
  const bool ideal = phases.kind == FabricKind::kIdeal;
  const auto [first, end] = stage_layers(model_.layers, plan_.pp, stage);
  const double token_bytes = kBytesPerNumber * model_.hidden;
  const double sequence_bytes = token_bytes * static_cast<double>(plan_.tokens_per_micro_batch());
  const std::int64_t backward_phases = options_.sequence_parallel ? 3 : 2;
  const auto add_compute = [&](OperationTime time) {
    sum.forward.compute += scaled(time.forward, compute_scale);
    sum.backward.compute += scaled(time.backward, compute_scale);
  };
  const auto add_tp = [&](double bytes) {
    const Time phase = tp_phase(phases, bytes, nic_rate);
    sum.forward.tp += phase * 2;
    sum.backward.tp += phase * backward_phases;
  };

  for (int layer = first; layer < end; ++layer) {
    const OperationTime attention = compute_.time(Operation::kAttention);
    add_compute(attention);
    add_tp(sequence_bytes);
    if (job.moe_index[layer] < 0) {
      add_compute(compute_.time(Operation::kDenseFfn));
      add_tp(sequence_bytes);
      continue;
    }
    const std::size_t place = job.place_index(replica, micro_batch, job.moe_index[layer]);
    const std::int64_t busiest_tokens = job.busiest_rank_tokens[place];
    add_compute(compute_.time(Operation::kGate));
    const OperationTime experts = compute_.experts(busiest_tokens);
    add_compute(experts);
    add_tp(token_bytes * static_cast<double>(busiest_tokens));
    if (model_.shared_intermediate > 0) {
      add_compute(compute_.time(Operation::kSharedExperts));
      add_tp(sequence_bytes);
    }
    if (ideal) continue;

    const ExchangeTimes& exchange = phases.exchanges[job.exchange_index(
        phases, stage, replica, micro_batch, job.moe_index[layer])];
    const SwitchedExchange switched =
        switched_exchange(job, phases, place, exchange, nic_rate, compute_scale);
    sum.shared_nics_busy += PhaseTime{exchange.shared_nics_busy, Time::zero()}.at(nic_rate);
    if (!exchange.switched) {
      sum.forward.ep += switched.dispatch + switched.combine;
      sum.backward.ep += switched.dispatch + switched.combine;
      continue;
    }
    const Time delay = options_.reconfiguration_delay;
    const SwitchCost forward = forward_cost(options_.reconfiguration, delay, switched,
                                            scaled(attention.forward, compute_scale),
                                            scaled(experts.forward, compute_scale));
    sum.forward.ep += forward.exchange;
    sum.forward.reconfiguration += forward.wait;
    const SwitchCost backward =
        backward_cost(options_.reconfiguration, delay, switched,
                      scaled(attention.backward + experts.backward, compute_scale));
    sum.backward.ep += backward.exchange;
    sum.backward.reconfiguration += backward.wait;
  }
  if (stage == plan_.pp - 1) add_compute(compute_.time(Operation::kHead));
  return sum;
}

Time TrainingJob::gradient_time(const FabricPhases& phases, int stage, Bandwidth nic_rate) const {
  if (phases.kind == FabricKind::kIdeal) return Time::zero();
  const GradientTimes& gradient = phases.gradients[stage];
  const Time scale_up = Time::from_seconds(static_cast<double>(gradient.scale_up.count) /
                                           scale_up_rate(phases, nic_rate));
  return std::max(gradient.dense.at(nic_rate) + gradient.expert.at(nic_rate), scale_up);
}

IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate,
                                    double compute_scale) const {
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
    IterationTime time = run(fabric, nic_rate, compute_scale, epochs);
    if (last == epochs_.size() || epochs_[last].begins >= lost + time.total) {
      time.lost = lost;
      time.total += lost;
      return time;
    }
    lost = epochs_[last].begins + options_.failures.outage;
    first = last;
  }
}

IterationTime TrainingJob::run(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                               const Epochs& epochs) const {
  const int stages = plan_.pp;
  const int micro_batches = plan_.micro_batches();
  const int replicas = plan_.replicas();
  const std::size_t count = epochs.index.size();
  const auto phases_in = [&](std::size_t epoch) -> const FabricPhases& {
    return phases_on(epochs.index[epoch], fabric);
  };

  std::vector<Matrix<Durations>> durations(count, Matrix<Durations>(stages, micro_batches));
  std::vector<std::vector<Time>> sends(count);
  for (std::size_t e = 0; e < count; ++e) {
    for (const PhaseTime& send : phases_in(e).sends) sends[e].push_back(send.at(nic_rate));
  }
  std::vector<Time> lengths(count);
  std::vector<double> shares(count);
  Parts busy;
  const auto end_of = [&](int stage, int i, bool forward, Time start) {
    for (std::size_t e = 0; e < count; ++e) {
      const Durations& all = durations[e](stage, i);
      lengths[e] = (forward ? all.forward : all.backward).total();
    }
    return end_of_work(start, epochs.begins, lengths, options_.failures.outage, shares);
  };
  const auto end_and_count = [&](int stage, int i, bool forward, Time start) {
    const Time end = end_of(stage, i, forward, start);
    for (std::size_t e = 0; e < count; ++e) {
      const Durations& all = durations[e](stage, i);
      if (shares[e] > 0) busy.add((forward ? all.forward : all.backward).times(shares[e]));
    }
    return end;
  };
  const PipelineWork free_sends = {stages, micro_batches, end_of,
                                   [](int, Time) { return Time::zero(); }};
  const PipelineWork with_all = {stages, micro_batches, end_and_count, [&](int boundary, Time at) {
                                   const auto& all = sends[epoch_at(at, epochs.begins)];
                                   return all.empty() ? Time::zero() : all[boundary];
                                 }};

  Time without_sends = Time::zero();
  std::vector<Time> stage_end(stages);
  std::vector<Time> overlap(stages, Time::max());  // what the slowest replica's backward can hide
  for (int replica = 0; replica < replicas; ++replica) {
    for (std::size_t e = 0; e < count; ++e) {
      for (int stage = 0; stage < stages; ++stage) {
        for (int i = 0; i < micro_batches; ++i) {
          durations[e](stage, i) = stage_durations(epochs_[epochs.index[e]].phases, phases_in(e),
                                                   stage, replica, i, nic_rate, compute_scale);
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
      overlap[stage] = std::min(overlap[stage], Time{free.ps / layers * (layers - 1)});
    }
  }
  const Time with_sends = std::ranges::max(stage_end);

  Time with_gradients = with_sends;
  for (int stage = 0; stage < stages; ++stage) {
    const Time hidden = options_.overlap_dp ? overlap[stage] : Time::zero();
    const Time start = stage_end[stage] - hidden;
    const FabricPhases& phases = phases_in(epoch_at(stage_end[stage], epochs.begins));
    with_gradients = std::max(
        {with_gradients, stage_end[stage], start + gradient_time(phases, stage, nic_rate)});
  }
  const Time optimizer = scaled(compute_.time(Operation::kOptimizer).forward, compute_scale);

  const std::int64_t pipelines = std::int64_t{stages} * replicas;
  IterationTime result;
  result.total = with_gradients + optimizer;
  result.compute = Time{busy.compute.ps / pipelines} + optimizer;
  result.ep = {busy.ep.ps / pipelines};
  result.tp = {busy.tp.ps / pipelines};
  result.reconfiguration = {busy.reconfiguration.ps / pipelines};
  result.pp = with_sends - without_sends;
  result.dp = with_gradients - with_sends;
  result.bubble = result.total - result.compute - result.ep - result.tp - result.reconfiguration -
                  result.pp - result.dp;
  return result;
}

}  // namespace mixnet
