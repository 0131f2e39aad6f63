#include "graphs/task_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "graphs/graph_topology.h"
#include "network/network_invariants.h"

namespace mixnet {
namespace {

std::unique_ptr<FlowTopology> make_topology(const TaskGraph& graph,
                                            const TaskNetworkOptions& options) {
  check_flow_network_options(options.network);
  if (options.network.fabric == FabricKind::kTopoOpt) {
    return make_graph_topology(graph, options.network.bandwidth, options.network.latency,
                               options.input);
  }
  ServerDemand none;  // circuits come while it runs
  if (options.network.by_servers()) {
    const auto servers = static_cast<std::size_t>(options.network.servers());
    none = ServerDemand(servers, servers);
  }
  return make_flow_topology(options.network, none, options.fidelity == Fidelity::kFluid,
                            options.input);
}

}  // namespace

std::size_t TaskNetwork::WayHash::operator()(const Way& way) const {
  return derive_seed(way.from_nic, way.to_nic, way.choice);
}

TaskNetwork::TaskNetwork(const TaskGraph& graph, const TaskNetworkOptions& options,
                         OnArrival on_arrival)
    : options_(options), topology_(make_topology(graph, options)) {
  if (options.fidelity == Fidelity::kFluid) {
    std::vector<Bandwidth> rates;
    rates.reserve(topology_->ports().size());
    for (const PortSpec& port : topology_->ports()) rates.push_back(port.rate);
    fluid_.emplace(rates);
    fluid_->on_completion(std::move(on_arrival));
  } else {
    check_packet_options(options.packets);
    check_packets_on(*topology_, options.packets);
    packets_.emplace(topology_->ports(), packets_on(*topology_, options.packets));
    packets_->set_skip(options.fidelity == Fidelity::kAuto);
    packets_->on_completion(std::move(on_arrival));
  }
  if (has_circuits()) circuits_.resize(static_cast<std::size_t>(options.network.servers()));
}

TaskNetwork::~TaskNetwork() = default;

int TaskNetwork::send(std::uint32_t from, std::uint32_t to, Bytes bytes, Time now,
                      std::uint64_t tag, std::uint64_t connection) {
  const int endpoints = options_.endpoints_per_server;
  const int nics = options_.network.nics_per_server;
  // MixNet's first NICs are on the optical switch.
  const int first = has_circuits() ? options_.network.degree() : 0;
  const int packet_nics = nics - first;
  const int ways =
      static_cast<int>(std::min<std::int64_t>(std::max(1, packet_nics / endpoints), bytes.count));
  const auto nic_of = [&](std::uint32_t endpoint, int way) {
    const int place = static_cast<int>(endpoint) % endpoints;
    return server_of(endpoint) * nics + first + place * packet_nics / endpoints + way;
  };
  for (int way = 0; way < ways; ++way) {
    send_flow(nic_of(from, way), nic_of(to, way),
              {bytes.count / ways + (way < bytes.count % ways ? 1 : 0)}, now, tag,
              connection + static_cast<std::uint64_t>(way));
  }
  return ways;
}

int TaskNetwork::send_servers(int from, int to, Bytes bytes, int pairs, Time now, std::uint64_t tag,
                              std::uint64_t connection) {
  const int nics = options_.network.nics_per_server;
  const int degree = options_.network.degree();
  const auto& peers = circuits_[static_cast<std::size_t>(from)];
  const auto there = peers.find(to);
  const bool lit = there != peers.end();
  const int first_from = lit ? there->second.first : degree;
  const int first_to = lit ? circuits_[static_cast<std::size_t>(to)].at(from).first : degree;
  const int used = lit ? there->second.count : nics - degree;
  // Sprayed, the connections of a NIC are as good as one.
  const bool is_hashed = !lit && options_.network.paths == PathPolicy::kEcmp;
  const int most = is_hashed ? std::max(used, pairs) : used;
  const auto ways = static_cast<int>(std::min<std::int64_t>(most, bytes.count));
  for (int way = 0; way < ways; ++way) {
    send_flow(from * nics + first_from + way % used, to * nics + first_to + way % used,
              {bytes.count / ways + (way < bytes.count % ways ? 1 : 0)}, now, tag,
              connection + static_cast<std::uint64_t>(way));
  }
  return ways;
}

void TaskNetwork::set_circuits(std::span<const int> servers, const CircuitCounts& circuits) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    auto& peers = circuits_[static_cast<std::size_t>(servers[i])];
    peers.clear();
    int nic = 0;
    for (std::size_t j = 0; j < servers.size(); ++j) {
      const int count = circuits(i, j);
      if (count == 0) continue;
      peers[servers[j]] = {static_cast<std::int16_t>(nic), static_cast<std::int16_t>(count)};
      nic += count;
    }
  }
}

void TaskNetwork::send_flow(int from_nic, int to_nic, Bytes bytes, Time now, std::uint64_t tag,
                            std::uint64_t connection) {
  const Way way = {from_nic, to_nic, topology_->path_choice(from_nic, to_nic, connection)};
  if (fluid_) {
    assert(fluid_->now() == now);
    topology_->find_paths(from_nic, to_nic, way.choice, paths_);
    fluid_->add_flow(paths_.forward, bytes, paths_.delay, tag);
    return;
  }
  if (bytes.count / (options_.packets.mtu - options_.packets.header) >= kMostFlowPackets) {
    throw Error(options_.input,
                fmt::format("sends {} at once, over 2^31 packets", to_string(bytes)),
                "give --fidelity fluid");
  }
  packets_->add_flow(path_set(way), bytes, now, tag);
}

PacketNetwork::PathSet TaskNetwork::path_set(const Way& way) {
  const auto [entry, is_new] = path_sets_.try_emplace(way);
  if (is_new) {
    topology_->find_paths(way.from_nic, way.to_nic, way.choice, paths_);
    entry->second = packets_->add_paths(paths_.forward, paths_.hops, paths_.back, paths_.back_hops);
  }
  return entry->second;
}

void TaskNetwork::run_until(Time end) {
  fluid_ ? fluid_->run_until(end) : packets_->run_until(end);
}

void TaskNetwork::stop() { fluid_ ? fluid_->stop() : packets_->stop(); }

std::size_t TaskNetwork::running_flows() const {
  return fluid_ ? fluid_->running_flows() : packets_->running_flows();
}

std::optional<PacketTotals> TaskNetwork::packet_totals() const {
  if (fluid_) return std::nullopt;
  const PacketTotals totals = packets_->totals();
  check_bytes_kept(totals);
  return totals;
}

std::vector<TaskNetwork::TierUse> TaskNetwork::tier_use() const {
  std::vector<TierUse> uses;
  for (const LinkTier& tier : topology_->tiers()) {
    TierUse& use = uses.emplace_back();
    use.name = tier.name;
    use.ports = tier.count;
    for (std::uint32_t port = tier.first; port < tier.first + tier.count; ++port) {
      const double bytes = fluid_ ? fluid_->link_bytes(port)
                                  : static_cast<double>(packets_->port_totals(port).bytes);
      const double rate = topology_->ports()[port].rate.bytes_per_second();
      // Every flow's end is rounded, and the smallest last but some picoseconds.
      constexpr double kRounding = 0.9;
      if (fluid_ && rate > 0) {
        check_not_faster(fluid_->now(), Time::zero(), kRounding * 1e12 * bytes / rate);
      }
      use.bytes += bytes;
      use.bytes_per_second += rate;
    }
  }
  return uses;
}

}  // namespace mixnet
