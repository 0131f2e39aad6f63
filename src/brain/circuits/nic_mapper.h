// Which NIC carries which circuit.
//
// The optical switch joins any port to any port, so each server can be settled by itself: its
// circuits are dealt over its OCS NICs, and the two ends of a circuit need not match. Several
// circuits of one pair go to NICs of different NUMA nodes, so that their traffic does not share a
// memory controller or PCIe root (Liao et al., SIGCOMM 2025, Algorithm 1, last step).
//
// At each server, its peers take turns, the one with the most circuits first (then the lower
// server). In a turn a peer takes at most one NIC of every NUMA node: nodes with the most free NICs
// first (then the lower node), and of a node its lowest free NIC. Turns go on until every circuit
// has its NIC. Hence, with K nodes:
//   * the number of distinct (peer, node) pairings is the largest possible: where NICs allow, a
//     peer with c circuits is on min(c, K) nodes;
//   * with equally many NICs in each node, the NICs in use differ by at most one between nodes.
// The circuits of a pair are then joined in the order of their NICs at both ends.
//
// Deterministic. Cost: O(n^2) to read the counts, and O(K * log K) a circuit end.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "circuits/circuits.h"

namespace mixnet {

/// A workspace for mapping: calls of the same size after the first allocate no memory. Not
/// thread-safe; one per thread.
class NicMapper {
 public:
  /// The circuits of `counts` with their NICs, by (server_a, server_b, nic_a). numa_of_nic: NUMA
  /// node (any number >= 0) of each OCS NIC of a server; all servers are alike. The result is valid
  /// until the next call. Throws Error when the counts are not square and symmetric with a zero
  /// diagonal, or a server has more circuits than NICs.
  const std::vector<Circuit>& map(const CircuitCounts& counts, std::span<const int> numa_of_nic);

  /// The same when only the NICs with usable(server, nic) != 0 may be used, as after failures.
  const std::vector<Circuit>& map(const CircuitCounts& counts, std::span<const int> numa_of_nic,
                                  const Matrix<std::uint8_t>& usable);

 private:
  struct Peer {
    int server;
    std::int32_t left;  // circuits that have no NIC yet
  };
  struct Slot {
    int peer;
    int nic;
  };

  void check(const CircuitCounts& counts) const;
  void number_nodes(std::span<const int> numa_of_nic);
  void deal(const CircuitCounts& counts, int server, const Matrix<std::uint8_t>* usable);
  void take_turn(Peer& peer);
  void join(std::size_t servers);

  std::vector<int> node_numbers_;            // the NUMA nodes that occur, ascending
  std::vector<int> node_of_nic_;             // index into node_numbers_
  std::vector<std::vector<int>> free_nics_;  // of the current server, by node, descending
  std::vector<Peer> peers_;                  // of the current server
  std::vector<std::size_t> nodes_;           // with free NICs, in the current turn
  std::vector<Slot> slots_;                  // all servers: peer and NIC of every circuit end
  std::vector<std::size_t> first_slot_;      // of each server, and the end
  std::vector<std::size_t> next_slot_;
  std::vector<Circuit> circuits_;
};

/// NicMapper::map() without a workspace to keep.
std::vector<Circuit> map_to_nics(const CircuitCounts& counts, std::span<const int> numa_of_nic);

}  // namespace mixnet
