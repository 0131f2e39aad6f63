// All-to-alls of an iteration, measured on all fabrics: on the fluid network, in packets, or some
// in packets and the others by what these say (packet_correction.h).
#pragma once

#include "training/phase_workers.h"

namespace mixnet {

/// Into `phases`, whose forecasts are there: busiest_rank_tokens and of each fabric scale_up_bytes,
/// exchanges and, in packets, its report, which counts them. On all threads of `workers`.
void measure_exchanges(const MeasuredJob& job, PhaseWorkers& workers, JobPhases& phases);

}  // namespace mixnet
