// How long one training iteration takes, and for what. training_job.h makes it.
//
// Invariant (checked after every simulation): no part is negative, and they add up to `total`. They
// are means over all pipeline stages and replicas, that is over all GPUs.
#pragma once

#include "base/units.h"

namespace mixnet {

struct IterationTime {
  Time total;
  Time compute;  ///< with the optimizer
  // What communication adds to it.
  Time ep, tp, pp, dp, reconfiguration;
  Time bubble;  ///< idle: filling and draining the pipeline, and waiting for slower micro-batches
  Time lost;    ///< what had been done when a server or GPU failed, and the outage after it
};

/// Throws std::logic_error, a fault of the program, where the invariant does not hold. O(1).
void check_invariants(const IterationTime& time);

}  // namespace mixnet
