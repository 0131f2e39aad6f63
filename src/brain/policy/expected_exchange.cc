#include "policy/expected_exchange.h"

#include <algorithm>

#include "circuits/balanced_time.h"
#include "circuits/relay.h"

namespace mixnet {
namespace {

bool all_have_eps(std::span<const double> eps) { return std::ranges::find(eps, 0.0) == eps.end(); }

Time to_time(double units, const RegionRates& rates) {
  return Time::from_seconds(units / rates.circuit.bytes_per_second());
}

}  // namespace

double expected_units(const ServerDemand& bytes, const CircuitCounts& circuits,
                      std::span<const double> eps) {
  if (all_have_eps(eps)) return balanced_time(bytes, circuits, eps);
  return balanced_time(relayed(bytes, circuits, eps), circuits, eps);
}

Time expected_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                   const RegionRates& rates) {
  return to_time(expected_units(bytes, circuits, rates.eps), rates);
}

SwitchedExchange expected_exchange(const ServerDemand& demand, const CircuitCounts& wanted,
                                   const CircuitCounts& present, const RegionRates& rates,
                                   Time delay) {
  SwitchedExchange times;
  times.dispatch = times.combine = expected_time(demand, wanted, rates);
  times.changes = !(wanted == present);
  times.present_dispatch = times.present_combine =
      times.changes ? expected_time(demand, present, rates) : times.dispatch;
  times.moving_dispatch = times.dispatch;
  if (!times.changes) return times;
  times.moving_dispatch = Time::max();
  // Over which neighbours bytes would go that need relays changes with the circuits.
  if (!all_have_eps(rates.eps)) return times;
  const MovingCircuits moving = moving_circuits(present, wanted);
  times.moving_dispatch = to_time(
      balanced_time_while_moving(demand, moving.stay, moving.move,
                                 delay.to_seconds() * rates.circuit.bytes_per_second(), rates.eps),
      rates);
  return times;
}

}  // namespace mixnet
