// Which NIC carries which circuit, when circuits are there already: as few ports move as can.
//
// A port moves when its circuit changes. Of each pair's present circuits as many stay, NICs and
// all, as the pair wants (where NUMA nodes could be balanced better by keeping another of them,
// that one: those on nodes that the pair's others do not use come first). The circuits that are new
// go to the NICs that are left, dealt as in nic_mapper.h. No mapping of the same counts moves fewer
// ports: a pair that wants more than it has must move, one that has more than it wants must let go,
// and nothing else does (tested: of every pair as many stay as its counts and working NICs allow).
//
// Deterministic. Workspace; one per thread. Cost: O(n^2 + circuits * degree).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "circuits/circuits.h"

namespace mixnet {

class MinimalMapper {
 public:
  /// Circuits with NICs for `wanted`, by (server_a, server_b, nic_a). `present`: the circuits lit
  /// now; those that use a NIC that is not usable(server, nic) count as gone. numa_of_nic: node of
  /// each OCS NIC of a server. The result is valid until the next call. Throws Error as NicMapper
  /// does, and when two present circuits share a NIC.
  const std::vector<Circuit>& map(std::span<const Circuit> present, const CircuitCounts& wanted,
                                  std::span<const int> numa_of_nic,
                                  const Matrix<std::uint8_t>& usable);

 private:
  std::vector<Circuit> circuits_;
};

/// OCS ports whose circuit is another in `after` than in `before`, none counting as one.
int moved_ports(std::span<const Circuit> before, std::span<const Circuit> after);

}  // namespace mixnet
