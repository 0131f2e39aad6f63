#include "training/job_phases.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/parallel.h"
#include "base/progress.h"
#include "moe/demand.h"
#include "training/packet_correction.h"

namespace mixnet {
namespace {

constexpr std::size_t kFewestSamples = 4;
constexpr std::size_t kMostSamples = 64;
constexpr double kSkipError = 0.002;  // packet_network.h, docs/packet-network.md
constexpr int kUsesOfExchange = 2;    // forward and backward

using Models = std::vector<std::unique_ptr<CommunicationModel>>;  // by fabric

std::int64_t bytes_between_servers(const RegionDemand& demand) {
  std::int64_t bytes = 0;
  for (int s = 0; s < demand.servers; ++s) {
    for (int t = 0; t < demand.servers; ++t) bytes += s == t ? 0 : demand.server_bytes(s, t);
  }
  return bytes;
}

/// Where an all-to-all happens.
struct Place {
  RoutingPlace routing;
  int first_server = 0;
  RoutingPlace before;  ///< whose demand the switch was set for last
};

class Measurement {
 public:
  Measurement(const Model& model, const ParallelPlan& plan, const RoutingSource& routing,
              std::span<const FabricKind> fabrics, const PhaseOptions& options);

  JobPhases run();

 private:
  /// What one thread works with.
  struct Worker {
    Worker(const ParallelPlan& plan, int hidden, const ClusterHealth& health)
        : maker(plan, hidden) {
      for (const auto& [first_server, moved] : health.moved()) {
        with_spare.try_emplace(first_server, plan, hidden, moved.ranks);
      }
    }
    TokenCounts counts;
    DemandMaker maker;
    std::map<int, DemandMaker> with_spare;  // by first server: of regions of which ranks moved
    Models flow, packet;
    Matrix<std::int64_t> before;  // demand that the switch was set for
  };

  bool in_packets() const { return options_.fidelity != Fidelity::kFluid; }
  Worker& worker(int index);
  std::vector<Place> varying_places() const;
  std::vector<Place> equal_places(const FabricPhases& fabric) const;
  void list_places();
  void forecast();
  const RegionDemand& load(Worker& worker, const Place& place, std::size_t fabric);
  void measure_fluid(Worker& worker, std::size_t place);
  GradientGroups gradient_groups_of(std::size_t fabric, int stage) const;
  ExchangeTimes exchange(const Worker& worker, CommunicationModel& network, std::size_t fabric,
                         const Place& place, const RegionDemand& demand) const;
  void measure_exchanges();
  void measure_all_in_packets(std::size_t fabric);
  void measure_by_sample(std::size_t fabric, std::int64_t hops_a_place);
  void measure_fluid();
  ExchangeTimes exchange_in_packets(Worker& worker, std::size_t fabric, std::size_t exchange);
  template <typename Measure>
  PhaseTime phase(std::size_t fabric, int uses, bool& hopeless, Measure&& measure);
  std::int64_t patience() const;
  void measure_pipeline(std::size_t fabric);
  void measure_gradients(std::size_t fabric);
  void measure_tensor_parallel(std::size_t fabric);
  void report(std::size_t fabric);

  const Model& model_;
  const ParallelPlan& plan_;
  const RoutingSource& routing_;
  int gradient_bytes_;
  FidelityOptions options_;
  ClusterHealth health_;
  Time delay_;
  Reconfiguration policy_;
  bool knows_present_;
  bool forecasts_;
  int threads_;
  double wire_bytes_;  // for a payload byte
  std::vector<CommunicationFactory> factories_;
  std::shared_ptr<PhaseCache> cache_ = std::make_shared<PhaseCache>();
  std::mutex workers_mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::vector<Place>> places_;   // by fabric, of each of its exchanges
  std::vector<std::vector<char>> is_fluid_;  // likewise
  JobPhases phases_;
};

Measurement::Measurement(const Model& model, const ParallelPlan& plan, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, const PhaseOptions& options)
    : model_(model),
      plan_(plan),
      routing_(routing),
      gradient_bytes_(options.gradient_bytes),
      options_(options.fidelity),
      health_(options.health),
      delay_(options.reconfiguration_delay),
      policy_(options.reconfiguration),
      knows_present_(policy_ != Reconfiguration::kBlock && policy_ != Reconfiguration::kHidden),
      forecasts_(policy_ == Reconfiguration::kCopilot),
      threads_(options_.threads > 0 ? options_.threads : default_threads()),
      wire_bytes_(static_cast<double>(options_.packets.mtu) /
                  (options_.packets.mtu - options_.packets.header)),
      workers_(threads_) {
  phases_.varies = routing.varies();
  phases_.micro_batches = plan.micro_batches();
  phases_.replicas = plan.replicas();
  for (int layer = 0; layer < model.layers; ++layer) {
    phases_.moe_index.push_back(model.is_moe[layer] ? phases_.moe_layers++ : -1);
  }
  for (const FabricKind kind : fabrics) {
    factories_.emplace_back(kind, model, plan, options.network, options_.nic_rate, health_);
    FabricPhases& fabric = phases_.fabrics.emplace_back();
    fabric.kind = kind;
    fabric.gpu_bandwidth = factories_.back().gpu_bandwidth();
  }
}

Measurement::Worker& Measurement::worker(int index) {
  const std::lock_guard lock(workers_mutex_);
  if (workers_[index] == nullptr) {
    auto worker = std::make_unique<Worker>(plan_, model_.hidden, health_);
    PacketFidelity packets;
    packets.options = options_.packets;
    packets.nic_rate = options_.nic_rate;
    packets.reuse = options_.reuse;
    if (options_.fidelity == Fidelity::kAuto) {
      packets.skip_steady = options_.skip_steady;
    }
    for (const CommunicationFactory& factory : factories_) {
      worker->flow.push_back(factory.make_fluid());
      worker->packet.push_back(in_packets() ? factory.make_packet(packets, cache_) : nullptr);
    }
    workers_[index] = std::move(worker);
  }
  return *workers_[index];
}

JobPhases Measurement::run() {
  const Worker& first = worker(0);
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    if (first.flow[f]) phases_.fabrics[f].uniform = first.flow[f]->uniform();
  }
  list_places();
  forecast();
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    if (first.flow[f] == nullptr) continue;
    measure_pipeline(f);
    measure_gradients(f);
    measure_tensor_parallel(f);
  }
  measure_exchanges();
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    if (first.flow[f] && in_packets()) report(f);
  }
  return std::move(phases_);
}

/// Every MoE layer of every micro-batch of every replica, in the order of place_index().
std::vector<Place> Measurement::varying_places() const {
  std::vector<Place> list;
  for (int replica = 0; replica < phases_.replicas; ++replica) {
    for (int micro_batch = 0; micro_batch < phases_.micro_batches; ++micro_batch) {
      for (int stage = 0; stage < plan_.pp; ++stage) {
        const auto [first, end] = stage_moe_layers(model_, plan_.pp, stage);
        for (int layer = first; layer < end; ++layer) {
          RoutingPlace before = {0, layer - 1, micro_batch, replica};
          if (layer == first) {
            before.layer = end - 1;
            before.micro_batch = (micro_batch + phases_.micro_batches - 1) % phases_.micro_batches;
          }
          list.push_back(
              {{0, layer, micro_batch, replica}, plan_.first_server(stage, replica), before});
        }
      }
    }
  }
  return list;
}

/// Where all-to-alls take times of their own although their demands are equal.
std::vector<Place> Measurement::equal_places(const FabricPhases& fabric) const {
  if (fabric.uniform) return {{{}, plan_.first_server(0, 0), {}}};
  std::vector<Place> list;
  for (int stage = 0; stage < plan_.pp; ++stage) {
    for (int replica = 0; replica < phases_.replicas; ++replica) {
      list.push_back({{}, plan_.first_server(stage, replica), {}});
    }
  }
  return list;
}

void Measurement::list_places() {
  std::size_t places = 1;
  if (phases_.varies) {
    places =
        static_cast<std::size_t>(phases_.replicas) * phases_.micro_batches * phases_.moe_layers;
  }
  phases_.busiest_rank_tokens.resize(places);
  for (FabricPhases& fabric : phases_.fabrics) {
    fabric.scale_up_bytes.resize(places);
    const std::vector<Place>& list =
        places_.emplace_back(phases_.varies ? varying_places() : equal_places(fabric));
    fabric.exchanges.resize(list.size());
    is_fluid_.emplace_back(list.size(), 0);
  }
}

/// Where a forecast could change anything: two servers have but one pair, which has all circuits.
void Measurement::forecast() {
  const bool switched = std::ranges::any_of(phases_.fabrics, [](const FabricPhases& fabric) {
    return fabric.kind == FabricKind::kMixNet || fabric.kind == FabricKind::kMixNetOpticalIo;
  });
  if (!forecasts_ || !switched || !phases_.varies || plan_.region_servers() < 3) return;
  std::vector<TimeOverCircuits> fabrics;
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    fabrics.emplace_back([this, f](int index, int first_server, const Matrix<std::int64_t>& guessed,
                                   const Matrix<std::int64_t>& bytes) {
      CommunicationModel* network = worker(index).flow[f].get();
      // Forecasts know nothing of ranks that moved to a spare.
      if (network == nullptr || health_.moved().contains(first_server)) return Time::zero();
      return network->over_circuits_for(first_server, guessed, bytes);
    });
  }
  phases_.forecasts = forecast_demands(model_, plan_, routing_, threads_, fabrics);
}

/// The demand of `place` and, where it is asked for, worker.before.
const RegionDemand& Measurement::load(Worker& work, const Place& place, std::size_t f) {
  const bool repatched = phases_.fabrics[f].kind == FabricKind::kTopoOpt;
  const auto moved = work.with_spare.find(place.first_server);
  DemandMaker& maker = moved == work.with_spare.end() || repatched ? work.maker : moved->second;
  if (knows_present_) {
    routing_.counts(place.before, work.counts);
    work.before = maker.make(work.counts).server_bytes;
  }
  routing_.counts(place.routing, work.counts);
  return maker.make(work.counts);
}

/// After load() of `place`, which gave `demand`.
ExchangeTimes Measurement::exchange(const Worker& work, CommunicationModel& network,
                                    std::size_t fabric, const Place& place,
                                    const RegionDemand& demand) const {
  if (!knows_present_) return network.exchange(place.first_server, demand);
  SwitchState state = {&work.before, nullptr, delay_, options_.nic_rate};
  state.over_lit = policy_ != Reconfiguration::kOracle;
  state.while_moving = policy_ == Reconfiguration::kHitless;
  if (!phases_.forecasts.empty()) {
    const RoutingPlace& at = place.routing;
    const DemandForecast& forecast =
        phases_.forecasts[phases_.place_index(at.replica, at.micro_batch, at.layer)];
    // Forecasts know nothing of ranks that moved to a spare.
    if (forecast.server_bytes.rows() == work.before.rows()) {
      state.forecast = &forecast.server_bytes;
      state.hedge = forecast.hedges[fabric];
    }
  }
  return network.exchange_switched(place.first_server, demand, state);
}

/// The fluid times of everything, which the packets then replace or correct, and what the demand
/// itself says.
void Measurement::measure_fluid() {
  const std::size_t places = phases_.busiest_rank_tokens.size();
  ProgressBar progress("all-to-alls", places);
  std::mutex progress_mutex;
  parallel_for(places, threads_, [&](std::size_t at, int index) {
    measure_fluid(worker(index), at);
    const std::lock_guard lock(progress_mutex);
    progress.advance();
  });
}

void Measurement::measure_fluid(Worker& work, std::size_t at) {
  const RegionDemand* demand = nullptr;  // as long as it is that of all fabrics
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    const std::vector<Place>& list = places_[f];
    const std::size_t begin = phases_.varies ? at : 0;
    if (demand == nullptr || !work.with_spare.empty()) {
      demand = &load(work, list.empty() ? Place{} : list[begin], f);
    }
    phases_.busiest_rank_tokens[at] = demand->busiest_rank_tokens;
    if (work.flow[f] == nullptr) continue;
    FabricPhases& fabric = phases_.fabrics[f];
    fabric.scale_up_bytes[at] = work.flow[f]->scale_up_bytes(*demand);
    if (options_.fidelity == Fidelity::kPacket) continue;
    const std::size_t end = phases_.varies ? at + 1 : list.size();
    for (std::size_t i = begin; i < end; ++i) {
      if (i > begin && !work.with_spare.empty()) demand = &load(work, list[i], f);
      fabric.exchanges[i] = exchange(work, *work.flow[f], f, list[i], *demand);
    }
  }
}

void Measurement::measure_exchanges() {
  measure_fluid();
  if (!in_packets()) return;
  for (std::size_t f = 0; f < factories_.size(); ++f) {
    if (worker(0).flow[f] == nullptr || plan_.region_servers() < 2 || phases_.moe_layers == 0) {
      continue;
    }
    if (options_.fidelity == Fidelity::kAuto && options_.fluid && phases_.varies) {
      const ExchangeTimes first = exchange_in_packets(worker(0), f, 0);
      const std::int64_t hops = first.dispatch.packet_hops + first.combine.packet_hops;
      const auto all = static_cast<double>(hops) * static_cast<double>(places_[f].size());
      if (all > static_cast<double>(options_.budget)) {
        measure_by_sample(f, hops);
        continue;
      }
    }
    measure_all_in_packets(f);
  }
}

ExchangeTimes Measurement::exchange_in_packets(Worker& work, std::size_t f, std::size_t i) {
  const RegionDemand& demand = load(work, places_[f][i], f);
  return exchange(work, *work.packet[f], f, places_[f][i], demand);
}

void Measurement::measure_all_in_packets(std::size_t f) {
  std::vector<ExchangeTimes>& exchanges = phases_.fabrics[f].exchanges;
  ProgressBar progress("packets on " + std::string(to_string(phases_.fabrics[f].kind)),
                       exchanges.size());
  std::mutex progress_mutex;
  parallel_for(exchanges.size(), threads_, [&](std::size_t i, int index) {
    exchanges[i] = exchange_in_packets(worker(index), f, i);
    const std::lock_guard lock(progress_mutex);
    progress.advance();
  });
}

void Measurement::measure_by_sample(std::size_t f, std::int64_t hops_a_place) {
  FabricPhases& fabric = phases_.fabrics[f];
  std::vector<ExchangeTimes>& exchanges = fabric.exchanges;
  const auto affordable =
      static_cast<std::size_t>(options_.budget / std::max<std::int64_t>(1, hops_a_place));
  const std::size_t samples =
      std::min(exchanges.size(), std::clamp(affordable, kFewestSamples, kMostSamples));
  // Evenly spread, but not in step with the layers.
  const auto sampled = [&](std::size_t i) {
    return (2 * i + 1) * exchanges.size() / (2 * samples);
  };
  struct Both {
    ExchangeTimes fluid, packet;
    std::int64_t bytes = 0;
  };
  std::vector<Both> both(samples);
  ProgressBar progress("packets on " + std::string(to_string(fabric.kind)), samples);
  std::mutex progress_mutex;
  parallel_for(samples, threads_, [&](std::size_t i, int index) {
    Worker& work = worker(index);
    both[i].fluid = exchanges[sampled(i)];
    both[i].packet = exchange_in_packets(work, f, sampled(i));
    both[i].bytes = bytes_between_servers(load(work, places_[f][sampled(i)], f));
    const std::lock_guard lock(progress_mutex);
    progress.advance();
  });

  PacketCorrection correction(options_.nic_rate);
  for (const Both& sample : both) correction.add(sample.fluid, sample.packet, sample.bytes);
  fabric.report.packet_over_fluid = correction.ratio();
  fabric.report.error = correction.error();
  parallel_for(exchanges.size(), threads_, [&](std::size_t i, int index) {
    correction.correct(exchanges[i], bytes_between_servers(load(worker(index), places_[f][i], f)));
  });
  std::ranges::fill(is_fluid_[f], 1);
  for (std::size_t i = 0; i < samples; ++i) {
    exchanges[sampled(i)] = both[i].packet;
    is_fluid_[f][sampled(i)] = 0;
  }
}

/// Packet-hops of a phase until it is given up; zero: never.
std::int64_t Measurement::patience() const {
  const bool ends = options_.fidelity == Fidelity::kAuto && options_.fluid;
  return ends ? std::max<std::int64_t>(1, options_.budget / 4) : 0;
}

/// One phase other than an all-to-all, which happens `uses` times. `hopeless`: whether the last one
/// of its kind was given up, so that this one is at once.
template <typename Measure>
PhaseTime Measurement::phase(std::size_t f, int uses, bool& hopeless, Measure&& measure) {
  Worker& work = worker(0);
  if (!in_packets()) return measure(*work.flow[f]);
  FidelityReport& report = phases_.fabrics[f].report;
  work.packet[f]->set_most_hops(hopeless ? 1 : patience());
  PhaseTime time = measure(*work.packet[f]);
  work.packet[f]->set_most_hops(0);
  if (time.packet_hops == 0) return time;  // nothing to send
  report.phases += uses;
  report.plain_packet_hops += uses * time.packet_hops;
  hopeless = time.transfer == Time::max();
  if (hopeless) {
    const std::int64_t hops = time.packet_hops;
    time = measure(*work.flow[f]);
    time.transfer = scaled(time.transfer, wire_bytes_);
    time.packet_hops = hops;
    report.fluid += uses;
  }
  return time;
}

void Measurement::measure_pipeline(std::size_t f) {
  FabricPhases& fabric = phases_.fabrics[f];
  const Bytes bytes_per_gpu = {plan_.tokens_per_micro_batch() * model_.hidden * kBytesPerNumber /
                               plan_.tp};
  const int replicas = fabric.uniform ? 1 : phases_.replicas;
  const int uses = 2 * phases_.micro_batches * phases_.replicas / replicas;
  bool hopeless = false;
  fabric.sends.resize(plan_.pp - 1);
  for (int stage = 0; stage + 1 < plan_.pp; ++stage) {
    for (int replica = 0; replica < replicas; ++replica) {
      const PhaseTime send = phase(f, uses, hopeless, [&](CommunicationModel& network) {
        return network.send(plan_.first_server(stage, replica),
                            plan_.first_server(stage + 1, replica), plan_.region_servers(),
                            bytes_per_gpu);
      });
      PhaseTime& slowest = fabric.sends[stage];
      slowest.transfer = std::max(slowest.transfer, send.transfer);
      slowest.delay = std::max(slowest.delay, send.delay);
    }
  }
}

/// With the spares that ranks moved to, next to the servers that they were on.
GradientGroups Measurement::gradient_groups_of(std::size_t f, int stage) const {
  GradientGroups groups = gradient_groups(model_, plan_, stage);
  if (phases_.fabrics[f].kind == FabricKind::kTopoOpt) return groups;
  for (const auto& [first_server, moved] : health_.moved()) {
    const int server = first_server + moved.ranks.front() * plan_.tp / plan_.gpus_per_server;
    for (auto* rings : {&groups.dense, &groups.expert}) {
      for (std::vector<int>& ring : *rings) {
        const auto at = std::ranges::find(ring, server);
        if (at != ring.end()) ring.insert(at + 1, moved.spare);
      }
    }
  }
  return groups;
}

void Measurement::measure_gradients(std::size_t f) {
  FabricPhases& fabric = phases_.fabrics[f];
  const double gpus = plan_.gpus_per_server;
  const double tp_inside = std::min<double>(plan_.tp, gpus);
  const double group_inside = std::min<double>(std::int64_t{plan_.ep} * plan_.tp, gpus);
  const int ring_nics = worker(0).flow[f]->ring_nics();
  // Reduce-scatter and all-gather among the `copies` GPUs of a server that hold the same shard.
  const auto inside = [&](double bytes_per_gpu, double copies) {
    return 2 * (copies - 1) / copies * bytes_per_gpu;
  };
  bool dense_hopeless = false;
  bool expert_hopeless = false;
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const GradientGroups groups = gradient_groups_of(f, stage);
    const std::int64_t dense = groups.dense_parameters_per_server * gradient_bytes_;
    const std::int64_t expert = groups.expert_parameters_per_server * gradient_bytes_;
    GradientTimes& gradient = fabric.gradients.emplace_back();
    gradient.dense = phase(f, 1, dense_hopeless, [&](CommunicationModel& network) {
      return network.all_reduce(groups.dense, {dense});
    });
    gradient.expert = phase(f, 1, expert_hopeless, [&](CommunicationModel& network) {
      return network.all_reduce(groups.expert, {expert});
    });
    double bytes = inside(static_cast<double>(dense) / tp_inside, gpus / tp_inside) +
                   inside(static_cast<double>(expert) / group_inside, gpus / group_inside);
    if (ring_nics < plan_.gpus_per_server) {
      // In and out of the GPUs that own the rings' NICs.
      bytes += 2 * static_cast<double>(dense + expert) / ring_nics;
    }
    gradient.scale_up = {std::llround(bytes)};
  }
}

void Measurement::measure_tensor_parallel(std::size_t f) {
  if (plan_.tp <= plan_.gpus_per_server) return;
  std::vector<std::vector<int>> group(1);
  for (int server = 0; server < plan_.tp / plan_.gpus_per_server; ++server) {
    group[0].push_back(server);
  }
  bool hopeless = false;
  const PhaseTime all_reduce = phase(f, 1, hopeless, [&](CommunicationModel& network) {
    return network.all_reduce(group, {1'000'000'000});
  });
  phases_.fabrics[f].tp_gigabyte = {scaled(all_reduce.transfer, 0.5),
                                    scaled(all_reduce.delay, 0.5)};
}

void Measurement::report(std::size_t f) {
  FabricPhases& fabric = phases_.fabrics[f];
  FidelityReport& report = fabric.report;
  for (const auto& worker : workers_) {
    if (worker) report.totals += worker->packet[f]->packet_totals();
  }
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const auto [first, end] = stage_moe_layers(model_, plan_.pp, stage);
    for (int layer = first; layer < end; ++layer) {
      for (int replica = 0; replica < phases_.replicas; ++replica) {
        for (int micro_batch = 0; micro_batch < phases_.micro_batches; ++micro_batch) {
          const std::size_t at = phases_.exchange_index(fabric, stage, replica, micro_batch, layer);
          const ExchangeTimes& exchange = fabric.exchanges[at];
          for (const PhaseTime& phase : {exchange.dispatch, exchange.combine}) {
            if (phase.packet_hops == 0) continue;
            report.phases += kUsesOfExchange;
            report.plain_packet_hops += kUsesOfExchange * phase.packet_hops;
            if (is_fluid_[f][at] != 0) report.fluid += kUsesOfExchange;
          }
        }
      }
    }
  }
  const PhaseTotals& totals = report.totals;
  report.in_packets = std::min(totals.simulated - totals.given_up, report.phases - report.fluid);
  report.reused = report.phases - report.fluid - report.in_packets;
  report.packet_hops = totals.packet_hops;
  if (totals.data_packets > 0) {
    report.skipped =
        static_cast<double>(totals.skipped_packets) / static_cast<double>(totals.data_packets);
  }
  if (report.phases > 0) {
    report.error *= static_cast<double>(report.fluid) / static_cast<double>(report.phases);
  }
  report.error += kSkipError * report.skipped;
}

}  // namespace

std::size_t JobPhases::place_index(int replica, int micro_batch, int moe_layer) const {
  if (!varies) return 0;
  return (static_cast<std::size_t>(replica) * micro_batches + micro_batch) * moe_layers + moe_layer;
}

std::size_t JobPhases::exchange_index(const FabricPhases& fabric, int stage, int replica,
                                      int micro_batch, int moe_layer) const {
  if (varies) return place_index(replica, micro_batch, moe_layer);
  return fabric.uniform ? 0 : static_cast<std::size_t>(stage) * replicas + replica;
}

JobPhases measure_phases(const Model& model, const ParallelPlan& plan, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, const PhaseOptions& options) {
  return Measurement(model, plan, routing, fabrics, options).run();
}

}  // namespace mixnet
