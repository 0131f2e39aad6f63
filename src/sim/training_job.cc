#include "sim/training_job.h"

#include <algorithm>
#include <utility>

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
};

struct TrainingJob::Durations {
  Parts forward, backward;
  Time shared_nics_busy;  ///< by EP, during backward
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
  const PhaseOptions phases = {options_.network, options_.gradient_bytes, options_.fidelity,
                               options_.reconfiguration, options_.reconfiguration_delay};
  phases_ = measure_phases(model_, plan_, routing, fabrics, phases);
}

const FabricPhases& TrainingJob::phases_on(FabricKind fabric) const {
  return *std::ranges::find(phases_.fabrics, fabric, &FabricPhases::kind);
}

const FidelityReport& TrainingJob::fidelity(FabricKind fabric) const {
  return phases_on(fabric).report;
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

TrainingJob::Durations TrainingJob::stage_durations(const FabricPhases& phases, int stage,
                                                    int replica, int micro_batch,
                                                    Bandwidth nic_rate,
                                                    double compute_scale) const {
  Durations sum;
  const bool ideal = phases.kind == FabricKind::kIdeal;
  const auto [first, end] = stage_layers(model_.layers, plan_.pp, stage);
  const double token_bytes = kBytesPerNumber * model_.hidden;
  const double sequence_bytes = token_bytes * static_cast<double>(plan_.tokens_per_micro_batch());
  const std::int64_t backward_phases = options_.sequence_parallel ? 3 : 2;
  const bool has_circuits =
      phases.kind == FabricKind::kMixNetOpticalIo ||
      (phases.kind == FabricKind::kMixNet && options_.network.optical_degree > 0);
  const bool switches = has_circuits && plan_.region_servers() > 1;
  // Two servers are one pair, which always has all circuits: then only block waits.
  const bool moves_in_backward =
      options_.reconfiguration == Reconfiguration::kBlock ||
      (options_.reconfiguration != Reconfiguration::kHidden && plan_.region_servers() > 2);
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
    if (phases_.moe_index[layer] < 0) {
      add_compute(compute_.time(Operation::kDenseFfn));
      add_tp(sequence_bytes);
      continue;
    }
    const std::size_t place = phases_.place_index(replica, micro_batch, phases_.moe_index[layer]);
    const std::int64_t busiest_tokens = phases_.busiest_rank_tokens[place];
    add_compute(compute_.time(Operation::kGate));
    const OperationTime experts = compute_.experts(busiest_tokens);
    add_compute(experts);
    add_tp(token_bytes * static_cast<double>(busiest_tokens));
    if (model_.shared_intermediate > 0) {
      add_compute(compute_.time(Operation::kSharedExperts));
      add_tp(sequence_bytes);
    }
    if (ideal) continue;

    const ExchangeTimes& exchange = phases.exchanges[phases_.exchange_index(
        phases, stage, replica, micro_batch, phases_.moe_index[layer])];
    const auto through_scale_up = [&](std::int64_t bytes) {
      return Time::from_seconds(static_cast<double>(bytes) / scale_up_rate(phases, nic_rate));
    };
    Time scale_up = through_scale_up(phases.scale_up_bytes[place]);
    const auto with_scale_up = [&](const PhaseTime& phase) {
      const Time network = phase.at(nic_rate);
      if (network == Time::max()) return network;
      return options_.pipelined_ep_steps ? std::max(network, scale_up) : network + scale_up;
    };
    SwitchedExchange switched = {
        with_scale_up(exchange.dispatch),         with_scale_up(exchange.combine),
        with_scale_up(exchange.present_dispatch), with_scale_up(exchange.present_combine),
        with_scale_up(exchange.moving_dispatch),  exchange.circuits_change};
    sum.backward.ep += switched.dispatch + switched.combine;
    sum.shared_nics_busy += PhaseTime{exchange.shared_nics_busy, Time::zero()}.at(nic_rate);
    if (!switches) {
      sum.forward.ep += switched.dispatch + switched.combine;
      continue;
    }
    if (!phases_.forecasts.empty()) {
      switched.predicted_dispatch = with_scale_up(exchange.predicted_dispatch);
      switched.predicted_combine = with_scale_up(exchange.predicted_combine);
      switched.predicted_is_wanted = exchange.predicted_is_wanted;
      const DemandForecast& forecast = phases_.forecasts[place];
      scale_up = through_scale_up(forecast.scale_up_bytes);
      switched.forecast = {
          with_scale_up(exchange.expected_predicted), with_scale_up(exchange.expected_present),
          scaled(compute_.experts(forecast.busiest_rank_tokens).forward, compute_scale),
          exchange.predicted_is_present};
    }
    const Time delay = options_.reconfiguration_delay;
    const SwitchCost forward = forward_cost(options_.reconfiguration, delay, switched,
                                            scaled(attention.forward, compute_scale),
                                            scaled(experts.forward, compute_scale));
    sum.forward.ep += forward.exchange;
    sum.forward.reconfiguration += forward.wait;
    if (moves_in_backward) {
      const Time hiding = scaled(attention.backward + experts.backward, compute_scale);
      sum.backward.reconfiguration += std::max(Time::zero(), delay - hiding);
    }
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
  const FabricPhases& phases = phases_on(fabric);
  const int stages = plan_.pp;
  const int micro_batches = plan_.micro_batches();
  const int replicas = plan_.replicas();

  PipelineTimes pipeline;
  pipeline.forward = Matrix<Time>(stages, micro_batches);
  pipeline.backward = pipeline.forward;
  std::vector<Time> sends;
  for (const PhaseTime& send : phases.sends) sends.push_back(send.at(nic_rate));

  Time with_sends = Time::zero();
  Time without_sends = Time::zero();
  std::vector<Time> stage_end(stages);
  std::vector<Time> overlap(stages, Time::max());  // what the slowest replica's backward can hide
  Parts busy;
  for (int replica = 0; replica < replicas; ++replica) {
    for (int stage = 0; stage < stages; ++stage) {
      const auto [first, end] = stage_layers(model_.layers, stages, stage);
      const std::int64_t layers = end - first;
      for (int i = 0; i < micro_batches; ++i) {
        const Durations durations =
            stage_durations(phases, stage, replica, i, nic_rate, compute_scale);
        pipeline.forward(stage, i) = durations.forward.total();
        pipeline.backward(stage, i) = durations.backward.total();
        busy.add(durations.forward);
        busy.add(durations.backward);
        if (i + 1 < micro_batches) continue;
        const Time free =
            std::max(Time::zero(), durations.backward.total() - durations.shared_nics_busy);
        overlap[stage] = std::min(overlap[stage], Time{free.ps / layers * (layers - 1)});
      }
    }
    pipeline.send_forward = pipeline.send_backward = {};
    without_sends =
        std::max(without_sends, std::ranges::max(run_pipeline(pipeline, options_.schedule)));
    pipeline.send_forward = pipeline.send_backward = sends;
    const std::vector<Time> ends = run_pipeline(pipeline, options_.schedule);
    for (int stage = 0; stage < stages; ++stage) {
      stage_end[stage] = std::max(stage_end[stage], ends[stage]);
    }
  }
  with_sends = std::ranges::max(stage_end);

  Time with_gradients = with_sends;
  for (int stage = 0; stage < stages; ++stage) {
    const Time hidden = options_.overlap_dp ? overlap[stage] : Time::zero();
    const Time start = stage_end[stage] - hidden;
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
