// How long an all-to-all takes on given circuits, by arithmetic alone (no queues, no switching
// time, no limit inside a server): the quick judgement of an allocation. `sim/` gives the full one.
//
// Circuits first: a pair with circuits sends only on its circuits, which carry both directions at
// NIC speed each; all other pairs share the electrical (EPS) NICs of their servers, whose fabric is
// taken as non-blocking. Both go on at once.
//
// Pure functions, thread-safe, O(n^2). The sums of a server's demand must fit in 63 bits.
#pragma once

#include "base/units.h"
#include "circuits/circuits.h"

namespace mixnet {

struct CompletionTime {
  Time circuits;               ///< the slowest ordered pair: bytes / (circuits * rate)
  Time eps;                    ///< the busiest server, out or in: bytes / (EPS NICs * rate)
  std::int64_t eps_pairs = 0;  ///< unordered pairs with demand and no circuit
  Bytes eps_bytes;             ///< their bytes, both directions
  Time whole() const { return circuits > eps ? circuits : eps; }
};

/// `demand` and `counts` are of the same size. Without EPS NICs, pairs without a circuit take for
/// ever: Time::max().
CompletionTime circuits_first_time(const ServerDemand& demand, const CircuitCounts& counts,
                                   int eps_nics, Bandwidth nic_rate);

/// No allocation on any fabric is faster: the busiest server, out or in, over all its `nics`.
Time completion_lower_bound(const ServerDemand& demand, int nics, Bandwidth nic_rate);

}  // namespace mixnet
