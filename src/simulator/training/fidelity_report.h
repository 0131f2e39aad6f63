// How the phases of an iteration on one fabric were had: simulated in packets, reused, or as a
// fluid; and how far off that may be.
#pragma once

#include <cstdint>

#include "network/phase_totals.h"

namespace mixnet {

/// Phases count as often as they happen.
struct FidelityReport {
  std::int64_t phases = 0;
  std::int64_t in_packets = 0;  ///< simulated so
  std::int64_t reused = 0;      ///< had the result of an identical one
  std::int64_t fluid = 0;
  double skipped = 0;            ///< share of the simulated phases' packets that were jumped over
  std::int64_t packet_hops = 0;  ///< simulated
  std::int64_t plain_packet_hops = 0;  ///< that the iteration takes without shortcuts
  double packet_over_fluid = 1;        ///< mean ratio of times, of the phases run both ways
  /// Of communication time, relative: the 95 % interval of that ratio for what is fluid, and
  /// 0.2 % for what was skipped.
  double error = 0;
  PhaseTotals totals;

  /// One phase, which happens `uses` times; without packets it has nothing to send and is none.
  void count(std::int64_t hops, int uses, bool is_fluid);
  /// When all are counted: what follows from that, from `all`, what they took, and from `error`, so
  /// far that of what is fluid.
  void complete(const PhaseTotals& all);
};

}  // namespace mixnet
