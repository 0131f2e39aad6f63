#include "network/phase_totals.h"

namespace mixnet {

PhaseTotals& PhaseTotals::operator+=(const PhaseTotals& other) {
  phases += other.phases;
  simulated += other.simulated;
  given_up += other.given_up;
  packet_hops += other.packet_hops;
  skipped_packets += other.skipped_packets;
  data_packets += other.data_packets;
  drops += other.drops;
  ecn_marks += other.ecn_marks;
  retransmissions += other.retransmissions;
  time_outs += other.time_outs;
  pauses += other.pauses;
  return *this;
}

}  // namespace mixnet
