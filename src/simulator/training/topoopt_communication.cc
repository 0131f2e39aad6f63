#include "training/topoopt_communication.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

std::vector<Bandwidth> reference_rates(const DirectConnect& topology) {
  std::vector<Bandwidth> rates;
  for (const double circuits : topology.link_rates()) {
    rates.push_back(kReferenceRate * static_cast<std::int64_t>(circuits));
  }
  return rates;
}

}  // namespace

TopoOptCommunication::TopoOptCommunication(DirectConnect topology, int gpus_per_server)
    : topology_(std::move(topology)),
      gpus_per_server_(gpus_per_server),
      network_(reference_rates(topology_)) {}

/// Port l is directed link l; port links + l is the host's way into it, as fast and of no length,
/// so that its own packets queue behind those that it forwards.
void TopoOptCommunication::use_packets(const PacketFidelity& fidelity,
                                      std::shared_ptr<PhaseCache> cache) {
  std::vector<PhasePort> ports;
  for (const int links : {2, 0}) {
    for (const double circuits : topology_.link_rates()) ports.push_back({circuits, links});
  }
  packets_ = std::make_unique<PacketPhase>(ports, fidelity, std::move(cache));
}

void TopoOptCommunication::add_flow(int from, int to, Bytes bytes) {
  if (bytes.count <= 0 || from == to) return;
  const std::vector<std::uint32_t>& route = topology_.route(from, to);
  if (route.empty()) {
    finish();  // so that the phase that cannot be leaves nothing behind
    throw Error("fabric topoopt",
                fmt::format("servers {} and {} cannot be joined with the NICs there are", from, to),
                "give servers more NICs (--nics-per-server) or leave topoopt out (--fabric)");
  }
  longest_path_ = std::max(longest_path_, route.size());
  if (packets_) {
    packet_path_ = {static_cast<std::uint32_t>(topology_.link_rates().size()) + route.front()};
    packet_path_.insert(packet_path_.end(), route.begin(), route.end());
    const std::vector<std::uint32_t>& back = topology_.route(to, from);
    packets_->add_flow(packet_path_, static_cast<int>(packet_path_.size()), back,
                       static_cast<int>(back.size()), bytes);
    return;
  }
  network_.add_flow(route, bytes);
}

PhaseTime TopoOptCommunication::finish() {
  const auto longest_path = static_cast<std::int64_t>(std::exchange(longest_path_, 0));
  if (packets_) return packets_->run();
  const PhaseTime time = {network_.run(), kLinkDelay * 2 * longest_path};
  network_.clear();
  return time;
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
    (combine ? times.combine : times.dispatch) = finish();
  }
  times.shared_nics_busy = times.dispatch.transfer + times.combine.transfer;
  return times;
}

PhaseTime TopoOptCommunication::send(int from, int to, int count, Bytes bytes_per_gpu) {
  for (int server = 0; server < count; ++server) {
    add_flow(from + server, to + server, bytes_per_gpu * gpus_per_server_);
  }
  return finish();
}

PhaseTime TopoOptCommunication::all_reduce(std::span<const std::vector<int>> groups,
                                          Bytes bytes_per_server) {
  std::int64_t steps = 0;
  for (const std::vector<int>& group : groups) {
    const auto n = static_cast<std::int64_t>(group.size());
    if (n < 2) continue;
    steps = std::max(steps, 2 * (n - 1));
    const Bytes each_way = {bytes_per_server.count * (n - 1) / n};
    for (std::size_t i = 0; i < group.size(); ++i) {
      const int here = group[i];
      const int next = group[(i + 1) % group.size()];
      add_flow(here, next, each_way);
      add_flow(next, here, each_way);
    }
  }
  const auto longest_path = static_cast<std::int64_t>(longest_path_);
  PhaseTime time = finish();
  // In packets, the delay of one step is in the time already.
  time.delay = packets_ ? kLinkDelay * 2 * longest_path * std::max<std::int64_t>(0, steps - 1)
                        : time.delay * steps;
  return time;
}

}  // namespace mixnet
