#include "sim/direct_communication.h"

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

DirectCommunication::DirectCommunication(DirectConnect topology, int gpus_per_server)
    : topology_(std::move(topology)),
      gpus_per_server_(gpus_per_server),
      network_(reference_rates(topology_)) {}

void DirectCommunication::add_flow(int from, int to, Bytes bytes) {
  if (bytes.count <= 0 || from == to) return;
  const std::vector<std::uint32_t>& route = topology_.route(from, to);
  if (route.empty()) {
    finish();  // so that the phase that cannot be leaves nothing behind
    throw Error("fabric topoopt",
                fmt::format("servers {} and {} cannot be joined with the NICs there are", from, to),
                "give servers more NICs (--nics-per-server) or leave topoopt out (--fabric)");
  }
  longest_path_ = std::max(longest_path_, route.size());
  network_.add_flow(route, bytes);
}

PhaseTime DirectCommunication::finish() {
  const PhaseTime time = {network_.run(),
                          kLinkDelay * static_cast<std::int64_t>(2 * longest_path_)};
  network_.clear();
  longest_path_ = 0;
  return time;
}

ExchangeTimes DirectCommunication::exchange(int first_server, const RegionDemand& demand) {
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

PhaseTime DirectCommunication::send(int from, int to, int count, Bytes bytes_per_gpu) {
  for (int server = 0; server < count; ++server) {
    add_flow(from + server, to + server, bytes_per_gpu * gpus_per_server_);
  }
  return finish();
}

PhaseTime DirectCommunication::all_reduce(std::span<const std::vector<int>> groups,
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
  PhaseTime time = finish();
  time.delay = time.delay * steps;
  return time;
}

}  // namespace mixnet
