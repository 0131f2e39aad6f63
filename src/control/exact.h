// The best circuits for a demand, proved: a reference for small regions, not for use at run time.
//
// Objective: balanced_time(). For a given time T whether circuits exist is an integer linear
// programme, over the circuits x of each pair and what they leave over, r, in each direction:
//   r(s, t) >= demand(s, t) - T x{s, t},   sum_t r(s, t) <= eps_nics T,   sum_s r(s, t) <= eps_nics
//   T, sum_t x{s, t} <= degree
// solved by GLPK (GNU Linear Programming Kit); T is found by bisection between the bound of all
// NICs and what GreedyAllocator reaches.
//
// Pure. Milliseconds for 4 to 6 servers; exponential beyond.
#pragma once

#include "control/circuits.h"

namespace mixnet {

struct ExactCircuits {
  CircuitCounts counts;
  double time = 0;   ///< balanced_time() of them, in bytes / NIC rate
  double bound = 0;  ///< no circuits are faster than this
};

/// Within `gap` (relative) of the best. At most 64 servers, degree >= 0, eps_nics >= 0; else Error.
/// Throws Error when GLPK gives up.
ExactCircuits allocate_exactly(const ServerDemand& demand, int degree, int eps_nics,
                               double gap = 1e-4);

}  // namespace mixnet
