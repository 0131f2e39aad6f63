#include "network/network_invariants.h"

#include <fmt/format.h>

#include <stdexcept>

namespace mixnet {

void check_not_faster(Time end, Time start, double least) {
  if (end == Time::max()) return;
  const double took = static_cast<double>(end.ps) - static_cast<double>(start.ps);
  if (took >= least * (1 - 1e-9) - 2) return;
  throw std::logic_error(fmt::format(
      "invariant of a network broken: a phase takes {:g} s, its busiest link alone {:g} s",
      took * 1e-12, least * 1e-12));
}

void check_bytes_kept(const PacketTotals& totals) {
  const std::int64_t known = totals.delivered_bytes + totals.dropped_bytes + totals.in_flight_bytes;
  if (totals.sent_bytes == known) return;
  throw std::logic_error(
      fmt::format("invariant of a network broken: {} bytes were sent, {} are delivered, dropped or "
                  "on their way",
                  totals.sent_bytes, known));
}

}  // namespace mixnet
