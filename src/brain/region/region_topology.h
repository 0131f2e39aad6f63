// How a tenant's servers reach each other: the announcement for what is lit and not being moved.
//
// A pair without a circuit and without EPS at both ends gets the path with the fewest hops, or is
// said to be cut. Pure; O(servers without EPS * (servers + circuits)).
#pragma once

#include "region/region_messages.h"
#include "region/region_state.h"

namespace mixnet {

/// With the epoch of the last announcement.
TopologyAnnouncement topology_of(const RegionState& state, const Slice& slice);

}  // namespace mixnet
