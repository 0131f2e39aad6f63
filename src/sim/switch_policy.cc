#include "sim/switch_policy.h"

#include <algorithm>

namespace mixnet {
namespace {

Time beyond(Time delay, Time hidden) { return std::max(Time::zero(), delay - hidden); }

}  // namespace

SwitchCost forward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                        Time attention, Time experts) {
  const Time wanted = times.dispatch + times.combine;
  if (policy == Reconfiguration::kBlock) return {wanted, delay};
  if (policy == Reconfiguration::kHidden || !times.changes) return {wanted, Time::zero()};
  if (policy == Reconfiguration::kOracle) return {wanted, beyond(delay, attention)};
  const SwitchCost moves_later = {times.present_dispatch + times.combine, beyond(delay, experts)};
  if (policy == Reconfiguration::kReuse) return moves_later;

  SwitchCost best = {wanted, delay};
  const auto consider = [&best](const SwitchCost& cost) {
    if (cost.total() < best.total()) best = cost;
  };
  consider(moves_later);
  if (times.moving_dispatch != Time::max()) {
    consider({times.moving_dispatch + times.combine, Time::zero()});
  }
  consider({times.present_dispatch + times.present_combine, Time::zero()});
  return best;
}

}  // namespace mixnet
