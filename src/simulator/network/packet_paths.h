// Which paths the packets of a flow take through a packet-switched fabric.
//
// Hashed (PathPolicy::kEcmp): one of the shortest, by a hash of both ends and `part`, which tells
// connections between the same two NICs apart; the fluid network takes the same.
// Sprayed (kSpray): all of the shortest, in turn; of more than 64, one for each first link above
// the ToR as often as 64 allow. With all of them, a 1:1 fabric whose NICs are all busy has no link
// that is busier than a NIC.
#pragma once

#include <cstdint>
#include <vector>

#include "fabric/packet_fabric.h"

namespace mixnet {

/// Appends whole paths of graph.hops(from, to) links each, one after another. `graph` must have
/// PathPolicy::kEcmp; from != to.
void append_packet_paths(const PacketFabric& graph, PathPolicy policy, int from, int to, int part,
                         std::vector<std::uint32_t>& paths);

}  // namespace mixnet
