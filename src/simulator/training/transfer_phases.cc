#include "training/transfer_phases.h"

#include <algorithm>
#include <cmath>

#include "moe/context_parallel.h"
#include "training/gradient_groups.h"

namespace mixnet {
namespace {

constexpr int kPatienceShare = 4;  // of the all-to-alls' budget, for one other phase
constexpr Bytes kGigabyte = {1'000'000'000};

class Transfers {
 public:
  Transfers(const MeasuredJob& job, PhaseWorker& worker, std::size_t fabric, FabricPhases& phases)
      : job_(job),
        plan_(job.plan),
        fluid_(*worker.fluid[fabric]),
        packet_(worker.packet[fabric].get()),
        phases_(phases) {}

  void measure_sends();
  void measure_gradients();
  void measure_tensor_parallel();
  void measure_context_parallel();

 private:
  /// Whether the last phase of a kind was given up, so that the next one is at once.
  struct Patience {
    bool is_lost = false;
  };
  template <typename Measure>
  PhaseTime phase(int uses, Patience& patience, Measure&& measure);
  std::int64_t most_hops(const Patience& patience) const;
  GradientGroups groups_of(int stage) const;
  Bytes gradient_scale_up(std::int64_t dense, std::int64_t expert) const;

  const MeasuredJob& job_;
  const ParallelPlan& plan_;
  CommunicationModel& fluid_;
  CommunicationModel* packet_;
  FabricPhases& phases_;
};

/// Packet-hops of a phase until it is given up; zero: never.
std::int64_t Transfers::most_hops(const Patience& patience) const {
  if (patience.is_lost) return 1;
  return job_.may_be_fluid() ? std::max<std::int64_t>(1, job_.fidelity().budget / kPatienceShare)
                             : 0;
}

/// One phase, which happens `uses` times.
template <typename Measure>
PhaseTime Transfers::phase(int uses, Patience& patience, Measure&& measure) {
  if (packet_ == nullptr) return measure(fluid_);
  packet_->set_most_hops(most_hops(patience));
  PhaseTime time = measure(*packet_);
  packet_->set_most_hops(0);
  if (time.packet_hops == 0) return time;  // nothing to send
  patience.is_lost = time.transfer == Time::max();
  phases_.report.count(time.packet_hops, uses, patience.is_lost);
  if (patience.is_lost) {
    const PacketOptions& packets = job_.fidelity().packets;
    const double wire_bytes = static_cast<double>(packets.mtu) / (packets.mtu - packets.header);
    const std::int64_t hops = time.packet_hops;
    time = measure(fluid_);
    time.transfer = scaled(time.transfer, wire_bytes);
    time.packet_hops = hops;
  }
  return time;
}

void Transfers::measure_sends() {
  const Bytes bytes_per_gpu = {plan_.tokens_per_micro_batch() * job_.model.hidden *
                               kBytesPerNumber / plan_.tp / plan_.cp};
  const bool share = plan_.stages_share_servers();
  const int replicas = phases_.uniform || share ? 1 : plan_.replicas();
  const int uses = 2 * plan_.micro_batches() * plan_.replicas() / replicas;
  Patience patience;
  const int boundaries = plan_.vpp > 1 ? plan_.pp : plan_.pp - 1;
  phases_.sends.resize(boundaries);
  phases_.sends_inside.resize(boundaries);
  for (int stage = 0; stage < boundaries; ++stage) {
    const int next = (stage + 1) % plan_.pp;
    if (plan_.first_server(stage, 0) == plan_.first_server(next, 0)) {
      phases_.sends_inside[stage] = bytes_per_gpu;
      continue;
    }
    for (int replica = 0; replica < replicas; ++replica) {
      const PhaseTime send = phase(uses, patience, [&](CommunicationModel& network) {
        if (share) return network.send_each(stage_sends(plan_, stage, next, bytes_per_gpu));
        return network.send(plan_.first_server(stage, replica), plan_.first_server(next, replica),
                            plan_.region_servers(), bytes_per_gpu);
      });
      PhaseTime& slowest = phases_.sends[stage];
      slowest.transfer = std::max(slowest.transfer, send.transfer);
      slowest.delay = std::max(slowest.delay, send.delay);
    }
  }
}

/// With the spares that ranks moved to, next to the servers that they were on.
GradientGroups Transfers::groups_of(int stage) const {
  GradientGroups groups = gradient_groups(job_.model, plan_, stage);
  if (phases_.kind == FabricKind::kTopoOpt) return groups;
  for (const auto& [first_server, moved] : job_.health.moved()) {
    const int server =
        first_server + moved.ranks.front() * plan_.expert_tp() / plan_.gpus_per_server;
    for (auto* rings : {&groups.dense, &groups.expert}) {
      for (std::vector<int>& ring : *rings) {
        const auto at = std::ranges::find(ring, server);
        if (at != ring.end()) ring.insert(at + 1, moved.spare);
      }
    }
  }
  return groups;
}

/// What the all-reduce of a server's gradients takes of each GPU's scale-up port.
Bytes Transfers::gradient_scale_up(std::int64_t dense, std::int64_t expert) const {
  const auto gpus = static_cast<double>(
      std::min<std::int64_t>(plan_.gpus_per_server, plan_.stage_gpus()));  // of the stage
  const double tp_inside = std::min<double>(plan_.tp, gpus);
  const double group_inside = std::min<double>(plan_.group_gpus(), gpus);
  // Reduce-scatter and all-gather among the `copies` GPUs of a server that hold the same shard.
  const auto inside = [&](double bytes_per_gpu, double copies) {
    return 2 * (copies - 1) / copies * bytes_per_gpu;
  };
  double bytes = inside(static_cast<double>(dense) / tp_inside, gpus / tp_inside) +
                 inside(static_cast<double>(expert) / group_inside, gpus / group_inside);
  const int ring_nics = fluid_.ring_nics();
  if (ring_nics < plan_.gpus_per_server && !plan_.stages_share_servers()) {
    // In and out of the GPUs that own the rings' NICs.
    bytes += 2 * static_cast<double>(dense + expert) / ring_nics;
  }
  return {std::llround(bytes)};
}

void Transfers::measure_gradients() {
  Patience dense_patience;
  Patience expert_patience;
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const GradientGroups groups = groups_of(stage);
    const std::int64_t dense = groups.dense_parameters_per_server * job_.options.gradient_bytes;
    const std::int64_t expert = groups.expert_parameters_per_server * job_.options.gradient_bytes;
    GradientTimes& gradient = phases_.gradients.emplace_back();
    gradient.dense = phase(1, dense_patience, [&](CommunicationModel& network) {
      return network.all_reduce(groups.dense, {dense});
    });
    gradient.expert = phase(1, expert_patience, [&](CommunicationModel& network) {
      return network.all_reduce(groups.expert, {expert});
    });
    gradient.scale_up = gradient_scale_up(dense, expert);
  }
}

void Transfers::measure_tensor_parallel() {
  if (tp_servers(plan_) < 2) return;
  std::vector<std::vector<int>> group(1);
  for (int server = 0; server < tp_servers(plan_); ++server) group[0].push_back(server);
  Patience patience;
  const PhaseTime all_reduce = phase(1, patience, [&](CommunicationModel& network) {
    return network.all_reduce(group, kGigabyte);
  });
  // A GPU gets over scale-up all that it gets by no NIC of its own.
  const bool all_have_nics = fluid_.ring_nics() == plan_.gpus_per_server;
  const std::int64_t parts = all_have_nics ? plan_.gpus_per_server : plan_.tp;
  phases_.tensor_gather = {{scaled(all_reduce.transfer, 0.5), scaled(all_reduce.delay, 0.5)},
                           {kGigabyte.count - kGigabyte.count / parts}};
}

/// Of one sequence: others are in servers of their own.
void Transfers::measure_context_parallel() {
  const int servers = context_servers(plan_);
  if (servers < 2) return;
  Patience patience;
  const bool gathers = plan_.cp_comm == CpComm::kAllGather;
  std::vector<std::vector<int>> group(1);
  for (int server = 0; server < servers; ++server) group[0].push_back(server);
  const std::int64_t gathered = context_bytes(job_.model, plan_) * plan_.cp * plan_.tp;
  const PhaseTime time = phase(1, patience, [&](CommunicationModel& network) {
    if (gathers) return network.all_reduce(group, {gathered});
    return network.send_each(context_sends(job_.model, plan_));
  });
  // An all-gather is half of an all-reduce; a ring has cp - 1 steps; the two all-to-alls are one
  // phase.
  const double times = gathers ? 0.5 : plan_.cp_comm == CpComm::kP2p ? plan_.cp - 1 : 1;
  phases_.context = {{scaled(time.transfer, times), scaled(time.delay, times)},
                     {context_bytes_inside(job_.model, plan_, fluid_.ring_nics())}};
}

}  // namespace

void measure_transfers(const MeasuredJob& job, PhaseWorker& worker, std::size_t fabric,
                       FabricPhases& phases) {
  Transfers transfers(job, worker, fabric, phases);
  transfers.measure_sends();
  transfers.measure_gradients();
  transfers.measure_tensor_parallel();
  transfers.measure_context_parallel();
}

}  // namespace mixnet
