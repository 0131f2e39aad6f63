// All-to-alls that are too many for packets: some of every layer (sample_places.h) run in packets,
// and say what the fluid times of the others are in packets (packet_correction.h).
#pragma once

#include <cstdint>
#include <vector>

#include "training/exchange_meter.h"

namespace mixnet {

/// Fluid times of the fabric `f` of `phases`, whose places all differ, become those in packets; its
/// report gets packet_over_fluid and error. `hops_a_place`: what one all-to-all costs, of which the
/// budget affords so many (4 to 64). Returns which exchanges are fluid still.
std::vector<bool> measure_by_sample(const MeasuredJob& job, const ExchangeMeter& meter,
                                    PhaseWorkers& workers, std::size_t f, std::int64_t hops_a_place,
                                    JobPhases& phases);

}  // namespace mixnet
