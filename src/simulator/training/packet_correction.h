// What all-to-alls would take in packets, told from those few that ran both ways: in packets and on
// the fluid network. Packets take longer by headers and queues, in a ratio that hardly differs
// among all-to-alls of one job on one fabric; that of the fluid time is taken for all others.
//
// Over circuits that are not those for the demand (ExchangeTimes::present_*, moving_dispatch,
// predicted_*), pairs split over circuits and EPS, so packets queue more: these have a ratio of
// their own.
//
// Not thread-safe while add() is called; correct() is const. O(1) each.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "training/communication.h"

namespace mixnet {

/// How much longer times are in packets than as a fluid.
class TimeRatio {
 public:
  /// Nothing is learnt from times of zero or Time::max().
  void add(Time fluid, Time packet);
  /// Of the sums; 1 of none.
  double ratio() const { return fluid_ > 0 ? packet_ / fluid_ : 1; }
  /// Of single times about ratio() times the fluid's, relative to the mean; what the spread of
  /// ratio() itself comes from.
  double deviation() const;

 private:
  struct Pair {
    double fluid, packet;  ///< seconds
  };
  double fluid_ = 0;
  double packet_ = 0;
  std::vector<Pair> pairs_;
};

class PacketCorrection {
 public:
  /// Of packets at `nic_rate`.
  explicit PacketCorrection(Bandwidth nic_rate) : nic_rate_(nic_rate) {}

  /// One place, both ways. `bytes`: of its dispatch, between servers.
  void add(const ExchangeTimes& fluid, const ExchangeTimes& packet, std::int64_t bytes);

  /// Makes fluid times those that packets are expected to take at nic_rate, and no other.
  void correct(ExchangeTimes& times, std::int64_t bytes) const;

  /// Of dispatch and combine over the circuits for the demand, or without circuits.
  double ratio() const { return own_.ratio(); }
  /// 95 % interval of the ratios, relative. Dispatch and combine of a place are hardly independent,
  /// so a place counts once.
  double error() const;

 private:
  void correct(PhaseTime& phase, double ratio, std::int64_t packet_hops) const;

  Bandwidth nic_rate_;
  TimeRatio own_, other_;
  double places_ = 0;
  double packet_hops_ = 0;
  double bytes_ = 0;
};

}  // namespace mixnet
