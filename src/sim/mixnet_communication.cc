#include "sim/mixnet_communication.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mixnet {

double balanced_time(const Matrix<std::int64_t>& bytes, const CircuitCounts& circuits,
                     int eps_nics) {
  const std::size_t n = bytes.rows();
  // For one server and direction: sum over pairs of max(0, bytes - circuits * T) <= eps_nics * T.
  // The left side falls in T and is convex, so Newton from below climbs to the root.
  const auto solve = [&](auto&& bytes_of, auto&& circuits_of, double start) {
    for (double time = start;;) {
      double rest = 0;
      double slope = eps_nics;
      for (std::size_t peer = 0; peer < n; ++peer) {
        const double left = bytes_of(peer) - circuits_of(peer) * time;
        if (left <= 0) continue;
        rest += left;
        slope += circuits_of(peer);
      }
      const double excess = rest - eps_nics * time;
      if (excess <= 1e-9 * std::max(1.0, rest)) return time;
      if (slope == 0) return std::numeric_limits<double>::infinity();
      time += excess / slope;
    }
  };
  double time = 0;
  for (std::size_t s = 0; s < n; ++s) {
    time = solve([&](std::size_t t) { return s == t ? 0.0 : static_cast<double>(bytes(s, t)); },
                 [&](std::size_t t) { return static_cast<double>(circuits(s, t)); }, time);
    time = solve([&](std::size_t t) { return s == t ? 0.0 : static_cast<double>(bytes(t, s)); },
                 [&](std::size_t t) { return static_cast<double>(circuits(t, s)); }, time);
  }
  return time;
}

MixNetCommunication::MixNetCommunication(PacketFabric eps, int degree, EpSplit split,
                                         int flows_per_pair, int gpus_per_server)
    : eps_nics_(eps.nics_per_server()),
      eps_(std::move(eps), EpNics::kRail, flows_per_pair, gpus_per_server),
      degree_(degree),
      split_(split) {}

ExchangeTimes MixNetCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  const CircuitCounts& circuits = allocator_.allocate(demand.server_bytes, degree_);
  const std::size_t n = demand.server_bytes.rows();
  if (transposed_.rows() != n) transposed_ = Matrix<std::int64_t>(n, n);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) transposed_(t, s) = demand.server_bytes(s, t);
  }
  ExchangeTimes times;
  times.dispatch =
      one_way(first_server, demand.server_bytes, circuits, times.shared_nics_busy);
  times.combine = one_way(first_server, transposed_, circuits, times.shared_nics_busy);
  return times;
}

PhaseTime MixNetCommunication::one_way(int first_server, const Matrix<std::int64_t>& bytes,
                                       const CircuitCounts& circuits, Time& eps_busy) {
  const std::size_t n = bytes.rows();
  if (by_eps_.rows() != n) by_eps_ = Matrix<std::int64_t>(n, n);
  const bool balanced = split_ == EpSplit::kBalanced;
  const double time = balanced ? balanced_time(bytes, circuits, eps_nics_) : 0;
  double slowest_circuit = 0;
  bool any_by_eps = false;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) {
      std::int64_t rest = s == t ? 0 : bytes(s, t);
      const auto lit = static_cast<double>(circuits(s, t));
      if (lit > 0 && rest > 0) {
        const std::int64_t carried =
            balanced ? std::min(rest, static_cast<std::int64_t>(std::ceil(lit * time))) : rest;
        slowest_circuit = std::max(slowest_circuit, static_cast<double>(carried) / lit);
        rest -= carried;
      }
      by_eps_(s, t) = rest;
      any_by_eps |= rest > 0;
    }
  }
  PhaseTime phase = {Time::from_seconds(slowest_circuit / kReferenceRate.bytes_per_second()),
                     kLinkDelay * 2};
  if (any_by_eps) {
    const PhaseTime eps = eps_.server_exchange(first_server, by_eps_);
    eps_busy += eps.transfer;
    phase = {std::max(phase.transfer, eps.transfer), std::max(phase.delay, eps.delay)};
  }
  return phase;
}

}  // namespace mixnet
