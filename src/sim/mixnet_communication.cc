#include "sim/mixnet_communication.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "control/balanced_time.h"

namespace mixnet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

MixNetCommunication::MixNetCommunication(PacketFabric eps, int degree, EpSplit split,
                                         int flows_per_pair, int gpus_per_server,
                                         AllocatorKind allocator,
                                         std::optional<OpticalIo> optical_io)
    : eps_nics_(eps.nics_per_server()),
      optical_io_(optical_io),
      circuit_rate_(optical_io ? optical_io->lane_rate : 1),
      eps_circuits_(eps_nics_ / circuit_rate_),
      eps_(std::move(eps), EpNics::kRail, flows_per_pair, gpus_per_server),
      degree_(degree),
      split_(split),
      allocator_(make_allocator(allocator)) {}

const CircuitCounts& MixNetCommunication::allocate(const Matrix<std::int64_t>& demand) const {
  // Allocators count whole NICs.
  const auto eps = static_cast<int>(std::lround(eps_circuits_));
  return allocator_->allocate(demand, degree_, std::max(1, eps));
}

Time MixNetCommunication::reference_time(double units) const {
  return Time::from_seconds(units / (kReferenceRate.bytes_per_second() * circuit_rate_));
}

std::int64_t MixNetCommunication::scale_up_bytes(const RegionDemand& demand) const {
  if (!optical_io_ || demand.servers < 2) return demand.scale_up_delegated;
  return optical_io_scale_up_bytes(demand, allocate(demand.server_bytes));
}

ExchangeTimes MixNetCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  const CircuitCounts& circuits = allocate(demand.server_bytes);
  const std::size_t n = demand.server_bytes.rows();
  if (transposed_.rows() != n) transposed_ = Matrix<std::int64_t>(n, n);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) transposed_(t, s) = demand.server_bytes(s, t);
  }
  const Way dispatch = one_way(first_server, demand.server_bytes, circuits);
  const Way combine = one_way(first_server, transposed_, circuits);
  return {dispatch.phase, combine.phase, dispatch.eps_busy + combine.eps_busy};
}

ExchangeTimes MixNetCommunication::exchange_switched(int first_server, const RegionDemand& demand,
                                                     const SwitchState& state) {
  ExchangeTimes times = exchange(first_server, demand);
  if (state.lit_for == nullptr || demand.servers < 2) return times;
  const CircuitCounts wanted = allocate(demand.server_bytes);
  const CircuitCounts present = allocate(*state.lit_for);
  times.circuits_change = !(wanted == present);
  if (!times.circuits_change) {
    times.present_dispatch = times.moving_dispatch = times.dispatch;
    times.present_combine = times.combine;
    return times;
  }
  const Matrix<std::int64_t> back = transposed_;  // of exchange()
  times.present_dispatch = best_way(first_server, demand.server_bytes, present).phase;
  times.present_combine = best_way(first_server, back, present).phase;
  const double lit_at =
      state.delay.to_seconds() * state.nic_rate.bytes_per_second() * circuit_rate_;
  times.moving_dispatch = while_moving(first_server, demand.server_bytes, present, wanted, lit_at);
  return times;
}

MixNetCommunication::Way MixNetCommunication::one_way(int first_server,
                                                      const Matrix<std::int64_t>& bytes,
                                                      const CircuitCounts& circuits) {
  if (split_ == EpSplit::kCircuitsFirst) {
    return split_at(kInfinity, first_server, bytes, circuits);
  }
  return best_way(first_server, bytes, circuits);
}

MixNetCommunication::Way MixNetCommunication::best_way(int first_server,
                                                       const Matrix<std::int64_t>& bytes,
                                                       const CircuitCounts& circuits) {
  const Way first = split_at(kInfinity, first_server, bytes, circuits);
  const double time = balanced_time(bytes, circuits, eps_circuits_);
  const Way balanced = split_at(time, first_server, bytes, circuits);
  return balanced.phase.transfer < first.phase.transfer ? balanced : first;
}

/// Fluid only: in packets, Time::max(), which stands for not known.
PhaseTime MixNetCommunication::while_moving(int first_server, const Matrix<std::int64_t>& bytes,
                                            const CircuitCounts& present,
                                            const CircuitCounts& wanted, double lit_at) {
  if (packets_) return {Time::max(), Time::zero()};
  const std::size_t n = bytes.rows();
  CircuitCounts stay(n, n);
  CircuitCounts move(n, n);
  for (std::size_t i = 0; i < stay.cells().size(); ++i) {
    stay.cells()[i] = std::min(present.cells()[i], wanted.cells()[i]);
    move.cells()[i] = wanted.cells()[i] - stay.cells()[i];
  }
  const double time = balanced_time_while_moving(bytes, stay, move, lit_at, eps_circuits_);
  const bool any_by_eps = split(bytes, [&](std::size_t s, std::size_t t) {
    return stay(s, t) * time + move(s, t) * std::max(0.0, time - lit_at);
  });
  PhaseTime phase = {reference_time(time), kLinkDelay * 2};
  if (any_by_eps) {
    const PhaseTime eps = eps_.server_exchange(first_server, by_eps_);
    phase = {std::max(phase.transfer, eps.transfer), std::max(phase.delay, eps.delay)};
  }
  return phase;
}

template <typename Capacity>
bool MixNetCommunication::split(const Matrix<std::int64_t>& bytes, Capacity&& capacity) {
  const std::size_t n = bytes.rows();
  if (by_eps_.rows() != n) by_eps_ = by_circuit_ = Matrix<std::int64_t>(n, n);
  bool any_by_eps = false;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) {
      const std::int64_t all = s == t ? 0 : bytes(s, t);
      const double most = all > 0 ? std::ceil(capacity(s, t)) : 0;
      const std::int64_t carried =
          most < static_cast<double>(all) ? static_cast<std::int64_t>(most) : all;
      by_circuit_(s, t) = carried;
      by_eps_(s, t) = all - carried;
      any_by_eps |= carried < all;
    }
  }
  return any_by_eps;
}

MixNetCommunication::Way MixNetCommunication::split_at(double longest, int first_server,
                                                       const Matrix<std::int64_t>& bytes,
                                                       const CircuitCounts& circuits) {
  const bool any_by_eps = split(bytes, [&](std::size_t s, std::size_t t) {
    return circuits(s, t) > 0 ? circuits(s, t) * longest : 0.0;
  });
  Way way;
  way.phase = circuit_phase(circuits);
  if (any_by_eps) {
    const PhaseTime eps = eps_.server_exchange(first_server, by_eps_);
    way.eps_busy = eps.transfer;
    way.phase = {std::max(way.phase.transfer, eps.transfer), std::max(way.phase.delay, eps.delay),
                 way.phase.packet_hops + eps.packet_hops};
  }
  return way;
}

PhaseTime MixNetCommunication::circuit_phase(const CircuitCounts& circuits) {
  if (packets_) return circuit_packets(circuits);
  const std::size_t n = circuits.rows();
  double slowest = 0;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) {
      if (by_circuit_(s, t) == 0) continue;
      slowest = std::max(slowest, static_cast<double>(by_circuit_(s, t)) / circuits(s, t));
    }
  }
  if (slowest == 0) return {};
  return {reference_time(slowest), kLinkDelay * 2};
}

void MixNetCommunication::use_packets(PacketFabric eps_graph, const PacketFidelity& fidelity,
                                      std::shared_ptr<PhaseCache> cache) {
  eps_.use_packets(std::move(eps_graph), fidelity, cache);
  packets_ = std::make_unique<CircuitPackets>();
  packets_->fidelity = fidelity;
  packets_->cache = std::move(cache);
}

PhaseTotals MixNetCommunication::packet_totals() const {
  PhaseTotals totals = eps_.packet_totals();
  if (packets_ && packets_->phase) totals += packets_->phase->totals();
  return totals;
}

/// Every OCS NIC (or lane) is a port whose link ends at another server: through the switch, two
/// fibres long.
PhaseTime MixNetCommunication::circuit_packets(const CircuitCounts& circuits) {
  const int n = static_cast<int>(circuits.rows());
  CircuitPackets& packets = *packets_;
  if (packets.phase == nullptr || packets.servers != n) {
    const std::vector<PhasePort> ports(static_cast<std::size_t>(n) * degree_, {circuit_rate_, 2});
    packets.phase = std::make_unique<PacketPhase>(ports, packets.fidelity, packets.cache);
    packets.servers = n;
    packets.first_port = Matrix<std::uint32_t>(n, n);
  }
  for (int s = 0; s < n; ++s) {
    auto port = static_cast<std::uint32_t>(s * degree_);
    for (int t = 0; t < n; ++t) {
      packets.first_port(s, t) = port;
      port += static_cast<std::uint32_t>(circuits(s, t));
    }
  }
  for (int s = 0; s < n; ++s) {
    for (int t = 0; t < n; ++t) {
      const std::int64_t bytes = by_circuit_(s, t);
      const int count = circuits(s, t);
      if (bytes == 0) continue;
      for (int i = 0; i < count; ++i) {
        const std::uint32_t there = packets.first_port(s, t) + i;
        const std::uint32_t back = packets.first_port(t, s) + i;
        packets.phase->add_flow({&there, 1}, 1, {&back, 1}, 1,
                                {bytes / count + (i < bytes % count ? 1 : 0)});
      }
    }
  }
  return packets.phase->run();
}

}  // namespace mixnet
