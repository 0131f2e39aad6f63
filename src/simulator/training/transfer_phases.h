// The phases of an iteration other than all-to-alls, measured: activations between stages, the
// gradients' all-reduces, and tensor parallelism where it spans servers.
#pragma once

#include "training/phase_workers.h"

namespace mixnet {

/// Into `phases`, those on fabric `fabric` of the worker; in packets, its report counts them.
void measure_transfers(const MeasuredJob& job, PhaseWorker& worker, std::size_t fabric,
                       FabricPhases& phases);

}  // namespace mixnet
