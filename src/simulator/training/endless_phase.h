// Why an iteration never ends: its first kind of phase that does not, as packets that are dropped
// again and again, or NICs too slow for any time that can be counted. Pure; O(phases).
#pragma once

#include <string_view>

#include "base/units.h"
#include "training/job_phases.h"

namespace mixnet {

/// "an all-to-all (EP)", for errors; empty where all end.
std::string_view endless_phase(const FabricPhases& phases, Bandwidth nic_rate);

}  // namespace mixnet
