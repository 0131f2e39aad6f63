#include "training/topoopt_communication.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "fabric/fabric_error.h"

namespace mixnet {

TopoOptCommunication::TopoOptCommunication(DirectConnect topology, int gpus_per_server)
    : topology_(std::move(topology)),
      gpus_per_server_(gpus_per_server),
      network_(topology_.link_rates()) {}

/// Port l is directed link l; port links + l is the host's way into it, as fast and of no length,
/// so that its own packets queue behind those that it forwards.
void TopoOptCommunication::use_packets(const FidelityOptions& fidelity,
                                       std::shared_ptr<PhaseCache> cache) {
  std::vector<PhasePort> ports;
  for (const int links : {2, 0}) {
    for (const double circuits : topology_.link_rates()) ports.push_back({circuits, links});
  }
  FidelityOptions without_pauses = fidelity;
  without_pauses.packets.pfc = false;  // hosts forward: routes may wait for each other in a circle
  network_.use_packets(ports, without_pauses, std::move(cache));
}

void TopoOptCommunication::add_flow(int from, int to, Bytes bytes) {
  if (bytes.count <= 0 || from == to) return;
  const std::vector<std::uint32_t>& route = topology_.route(from, to);
  if (route.empty()) {
    network_.finish();  // so that the phase that cannot be leaves nothing behind
    throw FabricError(
        FabricKind::kTopoOpt, "fabric topoopt",
        fmt::format("servers {} and {} cannot be joined with the NICs there are", from, to),
        "give servers more NICs (--nics-per-server) or leave topoopt out (--fabric)");
  }
  network_.add_delay(kLinkDelay * 2 * static_cast<std::int64_t>(route.size()));
  if (network_.in_packets()) {
    packet_path_ = {static_cast<std::uint32_t>(topology_.link_rates().size()) + route.front()};
    packet_path_.insert(packet_path_.end(), route.begin(), route.end());
    const std::vector<std::uint32_t>& back = topology_.route(to, from);
    network_.add_packet_flow(packet_path_, static_cast<int>(packet_path_.size()), back,
                             static_cast<int>(back.size()), bytes);
    return;
  }
  network_.add_flow(route, bytes);
}

ExchangeTimes TopoOptCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  ExchangeTimes times;
  for (const bool combine : {false, true}) {
    for (int s = 0; s < demand.servers; ++s) {
      for (int t = 0; t < demand.servers; ++t) {
        if (s == t) continue;
        const std::int64_t bytes = combine ? demand.server_bytes(t, s) : demand.server_bytes(s, t);
        add_flow(first_server + s, first_server + t, {bytes});
      }
    }
    (combine ? times.combine : times.dispatch) = network_.finish();
  }
  times.shared_nics_busy = times.dispatch.transfer + times.combine.transfer;
  return times;
}

PhaseTime TopoOptCommunication::send(int from, int to, int count, Bytes bytes_per_gpu) {
  for (int server = 0; server < count; ++server) {
    add_flow(from + server, to + server, bytes_per_gpu * gpus_per_server_);
  }
  return network_.finish();
}

PhaseTime TopoOptCommunication::send_each(std::span<const GpuSend> sends) {
  std::map<std::pair<int, int>, std::int64_t> bytes;  // by servers
  for (const GpuSend& send : sends) bytes[{send.from_server, send.to_server}] += send.bytes.count;
  for (const auto& [servers, count] : bytes) add_flow(servers.first, servers.second, {count});
  return network_.finish();
}

PhaseTime TopoOptCommunication::all_reduce(std::span<const std::vector<int>> groups,
                                           Bytes bytes_per_server) {
  for (const std::vector<int>& group : groups) {
    const auto n = static_cast<std::int64_t>(group.size());
    if (n < 2) continue;
    const Bytes each_way = {bytes_per_server.count * (n - 1) / n};
    for (std::size_t i = 0; i < group.size(); ++i) {
      const int here = group[i];
      const int next = group[(i + 1) % group.size()];
      add_flow(here, next, each_way);
      add_flow(next, here, each_way);
    }
  }
  return network_.finish_rings(groups);
}

}  // namespace mixnet
