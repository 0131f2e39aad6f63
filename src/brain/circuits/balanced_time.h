// How long an all-to-all takes at best on given circuits, when every pair may split its bytes over
// its circuits and the electrical (EPS) NICs: the objective of RefinedAllocator and ExactAllocator.
//
// In a time T a circuit carries rate * T; what the circuits of a pair leave over goes by EPS, and
// fits when every server's EPS NICs, out and in, carry its share within T. The least such T is the
// largest over servers and directions, each the root of a piecewise linear convex function. The EPS
// is taken as non-blocking. Fluid; no queues, no switching time, no limit inside a server.
//
// The fluid network agrees (mixnet_communication_test.cc): it is never faster, and longer only
// where fair sharing on the EPS leaves a NIC idle.
//
// Pure, thread-safe, exact to rounding. O(n^2) a Newton step, and few steps.
#pragma once

#include <span>

#include "circuits/circuits.h"

namespace mixnet {

/// In units of (bytes / NIC rate). Infinite when a pair with demand has no way at all. The diagonal
/// is ignored. `bytes` and `circuits` are square and of one size. `eps_nics` of a server; a
/// fraction where the EPS is counted in circuits of another rate.
double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits, double eps_nics);

/// The same when server s has eps_nics[s] EPS NICs, as after failures.
double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const int> eps_nics);
double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const double> eps_nics);

/// The same when the circuits `lit` carry from the start and `dark` ones from `lit_at` on, a time
/// in the same units: an all-to-all that starts while ports still move.
double balanced_time_while_moving(const ServerDemand& bytes, const CircuitCounts& lit,
                                  const CircuitCounts& dark, double lit_at, double eps_nics);
double balanced_time_while_moving(const ServerDemand& bytes, const CircuitCounts& lit,
                                  const CircuitCounts& dark, double lit_at,
                                  std::span<const double> eps_nics);

}  // namespace mixnet
