// The best circuits for a demand, proved: a reference for the other allocators.
//
// Objective: balanced_time(). Within a time T, circuits x have to leave every server s enough NICs:
//   sum_t x{s, t} <= OCS NICs of s
//   sum_t max(0, demand(s, t) - T x{s, t}) <= T * (EPS NICs of s), and the same for what comes in.
// A server alone is a small knapsack: peer after peer, the costs (circuits, bytes out, bytes in)
// that no other choice undercuts in all three are listed; these are tens, rarely hundreds. The
// circuits of a pair must fit into a way of either end, so each server's list narrows what its
// peers can choose, until nothing changes. What is left open then is tried: the pair with the
// largest demand first, half of its range after the other. T comes down from what RefinedAllocator
// reaches; the proof is a T at which nothing is left. Most often a single server rules it out.
//
// Pure, thread-safe, deterministic: the budget counts comparisons, not time. `circuits_bench`
// measures it: with 6 OCS NICs a server about a millisecond for 8 servers, ten or so for 16; for 64
// it is seconds. Exponential at worst.
#pragma once

#include <cstdint>
#include <span>

#include "circuits/circuits.h"

namespace mixnet {

struct ExactCircuits {
  CircuitCounts counts;
  double time = 0;   ///< balanced_time() of them, in bytes / NIC rate
  double bound = 0;  ///< no circuits are faster than this
};

/// Seconds of search, about a dozen.
inline constexpr std::int64_t kExactBudget = 10'000'000'000;

/// With optical[s] OCS and electrical[s] EPS NICs at server s; within `gap` (relative, at least
/// 1e-8) of the best. Infinite time and bound: every way leaves a pair with demand unconnected.
/// Throws Error on more than 64 servers or NICs below zero, and when `budget` is used up.
ExactCircuits allocate_exactly(const ServerDemand& demand, std::span<const int> optical,
                               std::span<const int> electrical, double gap = 1e-4,
                               std::int64_t budget = kExactBudget);
/// The same with as many at every server.
ExactCircuits allocate_exactly(const ServerDemand& demand, int degree, int eps_nics,
                               double gap = 1e-4, std::int64_t budget = kExactBudget);

}  // namespace mixnet
