// GPUs with optical I/O of their own on the region's optical switch (mixnet-optical-io), and what
// that asks of the scale-up switch of a domain (= server).
//
// A domain's circuits to one peer end on lanes that are spread evenly over its GPUs, so of G GPUs
// min(circuits, G) have one: the delegates for that peer. Each carries an equal share of the pair's
// bytes, its own first, and gathers what it has too little of from GPUs with more. (A pair without
// circuits goes by Ethernet, where every GPU is a delegate.) What arrives is scattered: a delegate
// is a token's final GPU once in G. With as many circuits as GPUs and balanced sources nothing is
// gathered; with one circuit it is MixNet's delegation, RegionDemand::scale_up_delegated (tested).
//
// The placement of delegates is not followed GPU by GPU: each is one as often as any other. Pure.
#pragma once

#include <cstdint>

#include "circuits/circuits.h"
#include "moe/demand.h"

namespace mixnet {

struct OpticalIo {
  double lane_rate = 1;  ///< in NIC rates
};

/// Bytes of one all-to-all through the busiest GPU's scale-up port, in or out, which is larger; the
/// same for dispatch and combine. `circuits`: between the servers of the demand. O(ep^2).
std::int64_t optical_io_scale_up_bytes(const RegionDemand& demand, const CircuitCounts& circuits);

}  // namespace mixnet
