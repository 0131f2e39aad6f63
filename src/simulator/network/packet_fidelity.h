// What running communication phases in packets takes as options and gives as counts. Plain values.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "network/packet_network.h"

namespace mixnet {

/// How phases are run in packets.
struct PacketFidelity {
  PacketOptions options;
  Bandwidth nic_rate = Bandwidth::gbps(100);
  bool reuse = true;         ///< identical phases are simulated once
  bool skip_steady = false;  ///< the steady state is jumped over (packet_network.h)
  /// With skip_steady: a phase is given up, for a fluid one to take its place, after so many
  /// packet-hops; zero: never.
  std::int64_t most_hops = 0;
};

/// What phases took. Sums over phases.
struct PhaseTotals {
  std::int64_t phases = 0;
  std::int64_t simulated = 0;    ///< the others are reused
  std::int64_t given_up = 0;     ///< simulated, in vain
  std::int64_t packet_hops = 0;  ///< simulated
  std::int64_t skipped_packets = 0;
  std::int64_t data_packets = 0;  ///< with skipped ones
  std::int64_t drops = 0;
  std::int64_t ecn_marks = 0;
  std::int64_t retransmissions = 0;
  std::int64_t time_outs = 0;

  PhaseTotals& operator+=(const PhaseTotals& other);
};

}  // namespace mixnet
