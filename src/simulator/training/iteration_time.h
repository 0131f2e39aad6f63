// How long one training iteration takes, and for what. training_job.h makes it.
//
// Invariant (tested): the parts add up to `total` to the nanosecond. They are means over all
// pipeline stages and replicas, that is over all GPUs.
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

}  // namespace mixnet
