#include "sim/training_job.h"

#include <algorithm>
#include <utility>

#include "base/progress.h"
#include "moe/demand.h"

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
      compute_(model_, plan_, gpu_, options_.compute),
      varies_(routing.varies()),
      moe_layers_(mixnet::moe_layers(model_)) {
  check_network_options(options_.network, plan_);
  for (int layer = 0, next = 0; layer < model_.layers; ++layer) {
    moe_index_.push_back(model_.is_moe[layer] ? next++ : -1);
  }
  std::vector<std::unique_ptr<CommunicationModel>> networks;
  for (const FabricKind kind : fabrics) {
    FabricTimes& times = fabrics_.emplace_back();
    times.kind = kind;
    networks.push_back(make_communication(kind, model_, plan_, options_.network));
    if (networks.back() == nullptr) continue;
    CommunicationModel& network = *networks.back();
    times.uniform = network.uniform();
    measure_pipeline(times, network);
    measure_gradients(times, network);
    measure_tensor_parallel(times, network);
  }
  measure_traffic(routing, networks);
}

std::size_t TrainingJob::place_index(int replica, int micro_batch, int moe_layer) const {
  if (!varies_) return 0;
  return (static_cast<std::size_t>(replica) * plan_.micro_batches() + micro_batch) * moe_layers_ +
         moe_layer;
}

std::size_t TrainingJob::exchange_index(const FabricTimes& times, int stage, int replica,
                                        int micro_batch, int moe_layer) const {
  if (varies_) return place_index(replica, micro_batch, moe_layer);
  return times.uniform ? 0 : static_cast<std::size_t>(stage) * plan_.replicas() + replica;
}

void TrainingJob::measure_traffic(const RoutingSource& routing,
                                  std::vector<std::unique_ptr<CommunicationModel>>& networks) {
  const int replicas = plan_.replicas();
  const int micro_batches = plan_.micro_batches();
  const auto places =
      varies_ ? static_cast<std::size_t>(replicas) * micro_batches * moe_layers_ : 1;
  busiest_rank_tokens_.resize(places);
  for (FabricTimes& times : fabrics_) {
    times.scale_up_bytes.resize(places);
    times.exchanges.resize(
        varies_ || times.uniform ? places : static_cast<std::size_t>(plan_.pp) * replicas);
  }
  TokenCounts counts;
  DemandMaker maker(plan_, model_.hidden);
  const auto load = [&](const RoutingPlace& place) -> const RegionDemand& {
    routing.counts(place, counts);
    const RegionDemand& demand = maker.make(counts);
    const std::size_t at = place_index(place.replica, place.micro_batch, place.layer);
    busiest_rank_tokens_[at] = demand.busiest_rank_tokens;
    for (std::size_t f = 0; f < fabrics_.size(); ++f) {
      if (networks[f]) fabrics_[f].scale_up_bytes[at] = networks[f]->scale_up_bytes(demand);
    }
    return demand;
  };

  if (!varies_) {
    const RegionDemand& demand = load({});
    ProgressBar progress("simulating all-to-alls", fabrics_.size());
    for (std::size_t f = 0; f < fabrics_.size(); ++f, progress.advance()) {
      if (networks[f] == nullptr) continue;
      for (std::size_t i = 0; i < fabrics_[f].exchanges.size(); ++i) {
        const int stage = static_cast<int>(i) / replicas;
        const int replica = static_cast<int>(i) % replicas;
        fabrics_[f].exchanges[i] =
            networks[f]->exchange(plan_.first_server(stage, replica), demand);
      }
    }
    return;
  }

  std::vector<int> stage_of;  // of each MoE layer
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const auto [first, end] = stage_layers(model_.layers, plan_.pp, stage);
    for (int layer = first; layer < end; ++layer) {
      if (model_.is_moe[layer]) stage_of.push_back(stage);
    }
  }
  ProgressBar progress("simulating all-to-alls", places);
  for (int replica = 0; replica < replicas; ++replica) {
    for (int micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
      for (int layer = 0; layer < moe_layers_; ++layer, progress.advance()) {
        const RegionDemand& demand = load({0, layer, micro_batch, replica});
        const int first_server = plan_.first_server(stage_of[layer], replica);
        for (std::size_t f = 0; f < fabrics_.size(); ++f) {
          if (networks[f] == nullptr) continue;
          fabrics_[f].exchanges[place_index(replica, micro_batch, layer)] =
              networks[f]->exchange(first_server, demand);
        }
      }
    }
  }
}

void TrainingJob::measure_pipeline(FabricTimes& times, CommunicationModel& network) const {
  const Bytes bytes_per_gpu = {plan_.tokens_per_micro_batch() * model_.hidden *
                               static_cast<std::int64_t>(kBytesPerNumber) / plan_.tp};
  const int replicas = times.uniform ? 1 : plan_.replicas();
  times.sends.resize(plan_.pp - 1);
  for (int stage = 0; stage + 1 < plan_.pp; ++stage) {
    for (int replica = 0; replica < replicas; ++replica) {
      const PhaseTime send =
          network.send(plan_.first_server(stage, replica), plan_.first_server(stage + 1, replica),
                       plan_.region_servers(), bytes_per_gpu);
      times.sends[stage].transfer = std::max(times.sends[stage].transfer, send.transfer);
      times.sends[stage].delay = std::max(times.sends[stage].delay, send.delay);
    }
  }
}

void TrainingJob::measure_gradients(FabricTimes& times, CommunicationModel& network) const {
  const double scale_up_rate = gpu_.scale_up_bytes_per_second;
  const double gpus = plan_.gpus_per_server;
  const double tp_inside = std::min<double>(plan_.tp, gpus);
  const double group_inside = std::min<double>(std::int64_t{plan_.ep} * plan_.tp, gpus);
  // Reduce-scatter and all-gather among the `copies` GPUs of a server that hold the same shard.
  const auto inside = [&](double bytes_per_gpu, double copies) {
    return 2 * (copies - 1) / copies * bytes_per_gpu / scale_up_rate;
  };
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const GradientGroups groups = gradient_groups(model_, plan_, stage);
    const std::int64_t dense = groups.dense_parameters_per_server * options_.gradient_bytes;
    const std::int64_t expert = groups.expert_parameters_per_server * options_.gradient_bytes;
    GradientTimes& gradient = times.gradients.emplace_back();
    gradient.dense = network.all_reduce(groups.dense, {dense});
    gradient.expert = network.all_reduce(groups.expert, {expert});
    double seconds = inside(static_cast<double>(dense) / tp_inside, gpus / tp_inside) +
                     inside(static_cast<double>(expert) / group_inside, gpus / group_inside);
    if (network.ring_nics() < plan_.gpus_per_server) {
      // In and out of the GPUs that own the rings' NICs.
      seconds += 2 * static_cast<double>(dense + expert) / network.ring_nics() / scale_up_rate;
    }
    gradient.scale_up = Time::from_seconds(seconds);
  }
}

void TrainingJob::measure_tensor_parallel(FabricTimes& times, CommunicationModel& network) const {
  if (plan_.tp <= plan_.gpus_per_server) return;
  std::vector<std::vector<int>> group(1);
  for (int server = 0; server < plan_.tp / plan_.gpus_per_server; ++server) {
    group[0].push_back(server);
  }
  const PhaseTime all_reduce = network.all_reduce(group, {1'000'000'000});
  times.tp_gigabyte = {scaled(all_reduce.transfer, 0.5), scaled(all_reduce.delay, 0.5)};
}

/// All-gather or reduce-scatter of `bytes` over a TP group.
Time TrainingJob::tp_phase(const FabricTimes& times, double bytes, Bandwidth nic_rate) const {
  if (plan_.tp == 1 || times.kind == FabricKind::kIdeal) return Time::zero();
  if (plan_.tp > plan_.gpus_per_server) return scaled(times.tp_gigabyte.at(nic_rate), bytes * 1e-9);
  return Time::from_seconds(bytes * (plan_.tp - 1) / plan_.tp / gpu_.scale_up_bytes_per_second);
}

TrainingJob::Durations TrainingJob::stage_durations(const FabricTimes& times, int stage,
                                                    int replica, int micro_batch,
                                                    Bandwidth nic_rate,
                                                    double compute_scale) const {
  Durations sum;
  const bool ideal = times.kind == FabricKind::kIdeal;
  const auto [first, end] = stage_layers(model_.layers, plan_.pp, stage);
  const double token_bytes = kBytesPerNumber * model_.hidden;
  const double sequence_bytes = token_bytes * static_cast<double>(plan_.tokens_per_micro_batch());
  const std::int64_t backward_phases = options_.sequence_parallel ? 3 : 2;
  const bool reconfigures = times.kind == FabricKind::kMixNet && plan_.region_servers() > 1 &&
                            options_.network.optical_degree > 0 &&
                            options_.reconfiguration == Reconfiguration::kBlock;
  const auto add_compute = [&](OperationTime time) {
    sum.forward.compute += scaled(time.forward, compute_scale);
    sum.backward.compute += scaled(time.backward, compute_scale);
  };
  const auto add_tp = [&](double bytes) {
    const Time phase = tp_phase(times, bytes, nic_rate);
    sum.forward.tp += phase * 2;
    sum.backward.tp += phase * backward_phases;
  };

  for (int layer = first; layer < end; ++layer) {
    const OperationTime attention = compute_.time(Operation::kAttention);
    add_compute(attention);
    add_tp(sequence_bytes);
    if (moe_index_[layer] < 0) {
      add_compute(compute_.time(Operation::kDenseFfn));
      add_tp(sequence_bytes);
      continue;
    }
    const std::size_t place = place_index(replica, micro_batch, moe_index_[layer]);
    const std::int64_t busiest_tokens = busiest_rank_tokens_[place];
    add_compute(compute_.time(Operation::kGate));
    const OperationTime experts = compute_.experts(busiest_tokens);
    add_compute(experts);
    add_tp(token_bytes * static_cast<double>(busiest_tokens));
    if (model_.shared_intermediate > 0) {
      add_compute(compute_.time(Operation::kSharedExperts));
      add_tp(sequence_bytes);
    }
    if (ideal) continue;

    const ExchangeTimes& exchange =
        times.exchanges[exchange_index(times, stage, replica, micro_batch, moe_index_[layer])];
    const Time scale_up = Time::from_seconds(static_cast<double>(times.scale_up_bytes[place]) /
                                             gpu_.scale_up_bytes_per_second);
    Time both = Time::zero();  // dispatch and combine
    for (const PhaseTime& phase : {exchange.dispatch, exchange.combine}) {
      const Time network = phase.at(nic_rate);
      both += options_.pipelined_ep_steps ? std::max(network, scale_up) : network + scale_up;
    }
    sum.forward.ep += both;
    sum.backward.ep += both;
    sum.shared_nics_busy += PhaseTime{exchange.shared_nics_busy, Time::zero()}.at(nic_rate);
    if (reconfigures) {
      const Time delay = options_.reconfiguration_delay;
      const Time hiding = scaled(attention.backward + experts.backward, compute_scale);
      sum.forward.reconfiguration += delay;
      sum.backward.reconfiguration += std::max(Time::zero(), delay - hiding);
    }
  }
  if (stage == plan_.pp - 1) add_compute(compute_.time(Operation::kHead));
  return sum;
}

Time TrainingJob::gradient_time(const FabricTimes& times, int stage, Bandwidth nic_rate) const {
  if (times.kind == FabricKind::kIdeal) return Time::zero();
  const GradientTimes& gradient = times.gradients[stage];
  return std::max(gradient.dense.at(nic_rate) + gradient.expert.at(nic_rate), gradient.scale_up);
}

IterationTime TrainingJob::simulate(FabricKind fabric, Bandwidth nic_rate,
                                    double compute_scale) const {
  const FabricTimes& times = *std::ranges::find(fabrics_, fabric, &FabricTimes::kind);
  const int stages = plan_.pp;
  const int micro_batches = plan_.micro_batches();
  const int replicas = plan_.replicas();

  PipelineTimes pipeline;
  pipeline.forward = Matrix<Time>(stages, micro_batches);
  pipeline.backward = pipeline.forward;
  std::vector<Time> sends;
  for (const PhaseTime& send : times.sends) sends.push_back(send.at(nic_rate));

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
            stage_durations(times, stage, replica, i, nic_rate, compute_scale);
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
    with_gradients =
        std::max({with_gradients, stage_end[stage], start + gradient_time(times, stage, nic_rate)});
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
