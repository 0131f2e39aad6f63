// Which demand circuits should be allocated for when the demand is only forecast.
//
// An all-to-all is over when its slowest server is, and the allocators look at that one alone: the
// servers that are forecast to receive most get good circuits, and the others what comes. When then
// another server turns out to be the slowest, that was for nothing. So it is better to make servers
// more alike first: of what each of its pairs is forecast to send, a server loses (or gains)
//
//     strength * (what the server receives - what servers receive in the mean) / (servers - 1)
//
// With strength 1 all servers receive alike, and what is left is who sends to whom; with strength 0
// the demand is as forecast. From 1 to 2 pairs, too, are drawn to their mean: with 2 all are alike,
// and circuits are for no demand in particular, which is better than what an allocator makes of a
// demand when it does not see the EPS, and there are circuits for most pairs. Which is best depends
// on how good forecasts are, on the number of servers and on the allocator, so DemandHedge learns
// it: once the real demand is known, it has
// every strength tried on it after the event, and takes the one that has lost least so far, those
// gates that are longer ago counting less. It need not see every gate: one in kLearnsEvery is
// enough.
//
// Plain state, no clock, no randomness. Not thread-safe. Cost: O(servers^2); learn() as many
// allocations as there are strengths.
#pragma once

#include <array>
#include <functional>

#include "circuits/circuits.h"

namespace mixnet {

/// A pair that is forecast to send anything keeps at least a byte. `strength`: 0 to 2.
ServerDemand level_demand(const ServerDemand& forecast, double strength);

class DemandHedge {
 public:
  /// The first is taken as long as nothing speaks against it.
  static constexpr std::array<double, 4> kStrengths = {0.8, 0.4, 0, 2};
  static constexpr int kLearnsEvery = 4;

  /// What to allocate circuits for.
  ServerDemand hedged(const ServerDemand& forecast) const {
    return level_demand(forecast, strength());
  }

  /// `time_for(demand)`: how long the real all-to-all takes on circuits allocated for `demand`, in
  /// any unit; it may be infinite.
  void learn(const ServerDemand& forecast,
             const std::function<double(const ServerDemand&)>& time_for);

  double strength() const;

 private:
  std::array<double, kStrengths.size()> losses_ = {};
};

}  // namespace mixnet
