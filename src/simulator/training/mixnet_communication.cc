#include "training/mixnet_communication.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "circuits/balanced_time.h"
#include "circuits/relay.h"
#include "forecast/demand_hedge.h"
#include "policy/expected_exchange.h"

namespace mixnet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Allocators count whole NICs.
int whole_nics(double eps) { return eps > 0 ? std::max(1, static_cast<int>(std::lround(eps))) : 0; }

}  // namespace

MixNetCommunication::MixNetCommunication(PacketFabric eps, int degree, EpSplit split,
                                         HashedPaths hashed, int gpus_per_server,
                                         AllocatorKind allocator,
                                         std::optional<OpticalIo> optical_io)
    : eps_nics_(eps.nics_per_server()),
      optical_io_(optical_io),
      circuit_rate_(optical_io ? optical_io->lane_rate : 1),
      eps_(std::move(eps), EpNics::kRail, hashed, gpus_per_server),
      degree_(degree),
      split_(split),
      planner_({.allocator = allocator}) {}

void MixNetCommunication::use_places(ServerPlaces eps, OcsPlaces ocs) {
  eps_.use_places(std::move(eps));
  ocs_ = std::move(ocs);
}

/// What the servers of a region have, for the calls that follow.
void MixNetCommunication::look_at(int first_server, int servers) {
  const bool whole = is_whole(first_server, servers);
  if (whole && region_is_whole_ && nics_.optical.size() == static_cast<std::size_t>(servers)) {
    return;
  }
  region_is_whole_ = whole;
  nics_.optical.assign(servers, degree_);
  eps_circuits_.assign(servers, eps_nics_ / circuit_rate_);
  for (int s = 0; !whole && s < servers; ++s) {
    const int server = eps_.servers().member(first_server, s);
    if (const auto at = ocs_.optical_nics.find(server); at != ocs_.optical_nics.end()) {
      nics_.optical[s] = at->second;
    }
    if (ocs_.dark_regions.contains(first_server)) nics_.optical[s] = 0;
    if (const auto at = ocs_.eps_nics.find(server); at != ocs_.eps_nics.end()) {
      eps_circuits_[s] = at->second / circuit_rate_;
    }
  }
  nics_.electrical.clear();
  for (const double eps : eps_circuits_) nics_.electrical.push_back(whole_nics(eps));
}

bool MixNetCommunication::is_whole(int first_server, int servers) const {
  if (!eps_.servers().is_whole(first_server, servers) || ocs_.dark_regions.contains(first_server)) {
    return false;
  }
  const auto at = ocs_.optical_nics.lower_bound(first_server);
  return at == ocs_.optical_nics.end() || at->first >= first_server + servers;
}

const CircuitCounts& MixNetCommunication::circuits_for(int first_server,
                                                       const Matrix<std::int64_t>& demand) {
  look_at(first_server, static_cast<int>(demand.rows()));
  return plan(demand);
}

const CircuitCounts& MixNetCommunication::plan(const Matrix<std::int64_t>& demand) {
  return planner_.plan(demand, nics_);
}

Time MixNetCommunication::reference_time(double units) const {
  return Time::from_seconds(units / (kReferenceRate.bytes_per_second() * circuit_rate_));
}

std::int64_t MixNetCommunication::scale_up_bytes(int first_server, const RegionDemand& demand) {
  if (!optical_io_ || demand.servers < 2) return demand.scale_up_delegated;
  return optical_io_scale_up_bytes(demand, circuits_for(first_server, demand.server_bytes));
}

ExchangeTimes MixNetCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  look_at(first_server, demand.servers);
  const CircuitCounts& circuits = plan(demand.server_bytes);
  const std::size_t n = demand.server_bytes.rows();
  if (transposed_.rows() != n) transposed_ = Matrix<std::int64_t>(n, n);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) transposed_(t, s) = demand.server_bytes(s, t);
  }
  const Way dispatch = one_way(first_server, demand.server_bytes, circuits);
  const Way combine = one_way(first_server, transposed_, circuits);
  ExchangeTimes times = {dispatch.phase, combine.phase, dispatch.eps_busy + combine.eps_busy};
  times.switched = std::ranges::any_of(nics_.optical, [](int nics) { return nics > 0; });
  return times;
}

ExchangeTimes MixNetCommunication::exchange_switched(int first_server, const RegionDemand& demand,
                                                     const SwitchState& state) {
  ExchangeTimes times = exchange(first_server, demand);
  if ((state.lit_for == nullptr && state.lit == nullptr) || demand.servers < 2) return times;
  const Matrix<std::int64_t> back = transposed_;  // of exchange()
  const CircuitCounts wanted = plan(demand.server_bytes);
  const CircuitCounts present = state.lit != nullptr ? *state.lit : plan(*state.lit_for);
  const auto both_ways = [&](const CircuitCounts& circuits) {
    if (circuits == wanted) return std::pair(times.dispatch, times.combine);
    return std::pair(best_way(first_server, demand.server_bytes, circuits).phase,
                     best_way(first_server, back, circuits).phase);
  };
  times.circuits_change = !(wanted == present);
  const RegionRates rates = {
      Bandwidth{std::llround(static_cast<double>(kReferenceRate.bits_per_second) * circuit_rate_)},
      eps_circuits_};
  SwitchedExchange expected;
  if (state.over_lit) {
    // With NICs of kReferenceRate, the delay counts for as many bytes as at the NICs' own rate.
    const Time delay =
        scaled(state.delay, state.nic_rate.bytes_per_second() / kReferenceRate.bytes_per_second());
    expected = expected_exchange(demand.server_bytes, wanted, present, rates, delay);
    std::tie(times.present_dispatch, times.present_combine) = both_ways(present);
  }
  if (state.while_moving) {
    times.moving_dispatch = times.circuits_change ? while_moving(first_server, demand.server_bytes,
                                                                 present, wanted, state)
                                                  : times.dispatch;
  }
  const auto keep = [&] {
    times.expected = std::make_shared<const SwitchedExchange>(expected);
    return times;
  };
  if (state.forecast == nullptr) return state.over_lit ? keep() : times;

  const CircuitCounts predicted = plan(level_demand(*state.forecast, state.hedge));
  std::tie(times.predicted_dispatch, times.predicted_combine) = both_ways(predicted);
  times.predicted_is_present = predicted == present;
  times.predicted_is_wanted = predicted == wanted;
  expected.predicted_is_wanted = times.predicted_is_wanted;
  expected.predicted_dispatch = expected.predicted_combine =
      expected_time(demand.server_bytes, predicted, rates);
  const auto of_forecast = [&](const CircuitCounts& circuits) {
    return PhaseTime{reference_expected_time(*state.forecast, circuits), kLinkDelay * 2};
  };
  times.expected_predicted = of_forecast(predicted);
  times.expected_present = of_forecast(present);
  return keep();
}

Time MixNetCommunication::over_circuits_for(int first_server, const Matrix<std::int64_t>& guessed,
                                            const Matrix<std::int64_t>& bytes) {
  look_at(first_server, static_cast<int>(bytes.rows()));
  return reference_expected_time(bytes, plan(guessed));
}

Time MixNetCommunication::reference_expected_time(const Matrix<std::int64_t>& bytes,
                                                  const CircuitCounts& circuits) {
  return reference_time(expected_units(bytes, circuits, eps_circuits_));
}

bool MixNetCommunication::all_have_eps() const {
  return std::ranges::find(eps_circuits_, 0.0) == eps_circuits_.end();
}

/// `bytes`, or as they go where servers have no EPS.
const Matrix<std::int64_t>& MixNetCommunication::hop_by_hop(const Matrix<std::int64_t>& bytes,
                                                            const CircuitCounts& circuits) {
  if (all_have_eps()) return bytes;
  return hops_ = relayed(bytes, circuits, eps_circuits_);
}

MixNetCommunication::Way MixNetCommunication::one_way(int first_server,
                                                      const Matrix<std::int64_t>& bytes,
                                                      const CircuitCounts& circuits) {
  if (split_ == EpSplit::kCircuitsFirst) {
    return split_at(kInfinity, first_server, hop_by_hop(bytes, circuits), circuits);
  }
  return best_way(first_server, bytes, circuits);
}

MixNetCommunication::Way MixNetCommunication::best_way(int first_server,
                                                       const Matrix<std::int64_t>& demand,
                                                       const CircuitCounts& circuits) {
  const Matrix<std::int64_t>& bytes = hop_by_hop(demand, circuits);
  const Way first = split_at(kInfinity, first_server, bytes, circuits);
  const double time = balanced_time(bytes, circuits, eps_circuits_);
  const Way balanced = split_at(time, first_server, bytes, circuits);
  return balanced.phase.transfer < first.phase.transfer ? balanced : first;
}

PhaseTime MixNetCommunication::while_moving(int first_server, const Matrix<std::int64_t>& bytes,
                                            const CircuitCounts& present,
                                            const CircuitCounts& wanted, const SwitchState& state) {
  // Over which neighbours bytes would go that need relays changes with the circuits.
  if (!all_have_eps()) return {Time::max(), Time::zero()};
  const double lit_at =
      state.delay.to_seconds() * state.nic_rate.bytes_per_second() * circuit_rate_;
  MovingCircuits moving = moving_circuits(present, wanted);
  const CircuitCounts& stay = moving.stay;
  LateCircuits move = {std::move(moving.move), state.delay};
  const double time = balanced_time_while_moving(bytes, stay, move.counts, lit_at, eps_circuits_);
  const double late = std::max(0.0, time - lit_at);
  const bool any_by_eps = split(bytes, [&](std::size_t s, std::size_t t) {
    return stay(s, t) * time + move.counts(s, t) * late;
  });
  PhaseTime phase = {reference_time(time), kLinkDelay * 2};
  if (packets_) {
    move.share = time > 0 ? late / time : 0;
    phase = circuit_packets(stay, move);
  }
  if (any_by_eps) {
    const PhaseTime eps = eps_.server_exchange(first_server, by_eps_);
    phase = {std::max(phase.transfer, eps.transfer), std::max(phase.delay, eps.delay),
             phase.packet_hops + eps.packet_hops};
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
  if (packets_)
    return circuit_packets(circuits, {CircuitCounts(circuits.rows(), circuits.rows()), {}});
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

void MixNetCommunication::use_packets(PacketFabric eps_graph, const FidelityOptions& fidelity,
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
PhaseTime MixNetCommunication::circuit_packets(const CircuitCounts& lit, const LateCircuits& late) {
  const int n = static_cast<int>(lit.rows());
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
      port += static_cast<std::uint32_t>(lit(s, t) + late.counts(s, t));
    }
  }
  for (int s = 0; s < n; ++s) {
    for (int t = 0; t < n; ++t) {
      const std::int64_t bytes = by_circuit_(s, t);
      if (bytes == 0) continue;
      std::uint32_t there = packets.first_port(s, t);
      std::uint32_t back = packets.first_port(t, s);
      const auto deal = [&](std::int64_t part, int count, Time start) {
        for (int i = 0; i < count; ++i, ++there, ++back) {
          packets.phase->add_flow({&there, 1}, 1, {&back, 1}, 1,
                                  {part / count + (i < part % count ? 1 : 0)}, start);
        }
      };
      const double late_weight = late.counts(s, t) * late.share;
      const auto late_bytes =
          std::llround(static_cast<double>(bytes) * late_weight / (lit(s, t) + late_weight));
      deal(bytes - late_bytes, lit(s, t), Time::zero());
      deal(late_bytes, late.counts(s, t), late.lit_at);
    }
  }
  return packets.phase->run();
}

}  // namespace mixnet
