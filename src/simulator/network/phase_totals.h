// What communication phases took to run in packets: counts, which add up over phases. Plain values.
#pragma once

#include <cstdint>

namespace mixnet {

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
  std::int64_t pauses = 0;  ///< asked for by switches (PFC)

  PhaseTotals& operator+=(const PhaseTotals& other);
};

}  // namespace mixnet
