// What an all-to-all is expected to take, by arithmetic alone: what a controller, which has no
// network to try it on, lets a policy decide by. The simulator asks the same of a forecast.
//
// The arithmetic is balanced_time.h's: every pair may split its bytes over its circuits and the EPS
// NICs; servers without EPS NICs go by neighbours (relay.h). Dispatch and combine, which is
// dispatch in the mirror, take as long, since circuits carry both ways.
//
// Pure, thread-safe. O(servers^2) a Newton step of balanced_time(), and few steps.
#pragma once

#include <span>
#include <vector>

#include "base/units.h"
#include "circuits/circuits.h"
#include "policy/switch_policy.h"

namespace mixnet {

/// How fast the links of a region are.
struct RegionRates {
  Bandwidth circuit;        ///< of one circuit, each way; above zero
  std::vector<double> eps;  ///< EPS NICs by server, in circuits of that rate
};

/// `bytes` over `circuits` and EPS, in units of (bytes / circuit rate); infinite where a pair has
/// no way at all.
double expected_units(const ServerDemand& bytes, const CircuitCounts& circuits,
                      std::span<const double> eps);

/// The same as a time; Time::max() where a pair has no way at all.
Time expected_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                   const RegionRates& rates);

/// Both all-to-alls of a layer over the circuits that are wanted for `demand`, over those that are
/// lit now, and while the ports that differ move for `delay`.
SwitchedExchange expected_exchange(const ServerDemand& demand, const CircuitCounts& wanted,
                                   const CircuitCounts& present, const RegionRates& rates,
                                   Time delay);

}  // namespace mixnet
