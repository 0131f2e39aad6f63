// The time of one communication phase, in a form that holds for NICs of any speed.
//
// A fluid phase on a fabric whose links all scale with the NIC rate takes time in inverse
// proportion to that rate. So a phase is solved once, at kReferenceRate, and serves every
// bandwidth: PhaseTime keeps what scales apart from what does not (propagation delay). A phase in
// packets holds for the one rate that it was simulated at: PhaseTime::measured().
//
// Plain values.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace mixnet {

inline constexpr Bandwidth kReferenceRate = Bandwidth::gbps(100);
/// Of one link, as in the paper (section 7).
inline constexpr Time kLinkDelay = Time::microseconds(1);

struct PhaseTime {
  Time transfer;  ///< with NICs of kReferenceRate
  Time delay;     ///< propagation along the longest path, times the steps that wait for it
  /// Data and acknowledgement packets times hops that plain packets need; zero for a fluid.
  std::int64_t packet_hops = 0;

  /// A time that holds at `nic_rate` and at no other.
  static PhaseTime measured(Time time, Bandwidth nic_rate);

  /// `nic_rate` > 0. Time::max() where that is too little.
  Time at(Bandwidth nic_rate) const;
};

}  // namespace mixnet
