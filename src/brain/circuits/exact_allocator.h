// The best circuits for a demand, proved: a reference for small regions, not for use at run time.
//
// Objective: balanced_time(). For a given time T whether circuits exist is an integer linear
// programme, over the circuits x of each pair and what they leave over, r, in each direction:
//   r(s, t) >= demand(s, t) - T x{s, t},        sum_t x{s, t} <= OCS NICs of s
//   sum_t r(s, t) <= T * (EPS NICs of s),       sum_s r(s, t) <= T * (EPS NICs of t)
// solved by GLPK (GNU Linear Programming Kit); T is found by bisection between the bound of all
// NICs and what GreedyAllocator reaches.
//
// Pure. Milliseconds for 4 to 6 servers; exponential beyond.
#pragma once

#include <span>

#include "circuits/circuits.h"

namespace mixnet {

struct ExactCircuits {
  CircuitCounts counts;
  double time = 0;   ///< balanced_time() of them, in bytes / NIC rate
  double bound = 0;  ///< no circuits are faster than this
};

/// With optical[s] OCS and electrical[s] EPS NICs at server s; within `gap` (relative) of the best.
/// Throws Error on more than 64 servers or NICs below zero, and when GLPK gives up.
ExactCircuits allocate_exactly(const ServerDemand& demand, std::span<const int> optical,
                               std::span<const int> electrical, double gap = 1e-4);
/// The same with as many at every server.
ExactCircuits allocate_exactly(const ServerDemand& demand, int degree, int eps_nics,
                               double gap = 1e-4);

}  // namespace mixnet
