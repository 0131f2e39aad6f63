// Which paths the packets of a flow take through a packet-switched fabric.
//
// Hashed (PathPolicy::kEcmp): one of the shortest, by the hash of the connection, as switches hash
// addresses and ports. Two GPUs that exchange bytes have a connection each way, so those of one
// pair of NICs are hashed apart: connection_hash(). The fluid network takes the same path. Sprayed
// (kSpray): all of the shortest, in turn; of more than 64, one for each first link above the ToR as
// often as 64 allow. With all of them, a 1:1 fabric whose NICs are all busy has no link that is
// busier than a NIC.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "fabric/packet_fabric.h"

namespace mixnet {

/// Of a connection from NIC to NIC. `connection` tells those of the same two NICs apart; the user's
/// seed stands for addresses and ports, which differ from run to run.
constexpr std::uint64_t connection_hash(std::uint64_t seed, int from, int to,
                                        std::uint64_t connection) {
  return derive_seed(seed, from, to, connection);
}

/// Appends whole paths of graph.hops(from, to) links each, one after another. `graph` must have
/// PathPolicy::kEcmp; from != to. `hash`: which one, or which is first.
void append_packet_paths(const PacketFabric& graph, PathPolicy policy, int from, int to,
                         std::uint64_t hash, std::vector<std::uint32_t>& paths);

}  // namespace mixnet
