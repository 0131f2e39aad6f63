// What circuit allocation takes and gives: demand between the servers of a region, circuits between
// them, and the NICs that carry each circuit.
//
// Servers are numbered 0..n-1 within the region. A circuit joins one NIC to one NIC through the
// optical switch and carries both directions, each at NIC speed. Plain values.
#pragma once

#include <cstdint>

#include "base/matrix.h"

namespace mixnet {

/// Bytes from server (row) to server (column); the diagonal is ignored. Entries are >= 0.
using ServerDemand = Matrix<std::int64_t>;

/// Circuits between two servers: symmetric, zero diagonal; row sums <= degree.
using CircuitCounts = Matrix<std::int32_t>;

/// What happens to circuits when others are wanted.
struct MovingCircuits {
  CircuitCounts stay;  ///< there, and wanted
  CircuitCounts move;  ///< wanted, and dark until the switch has moved
};
MovingCircuits moving_circuits(const CircuitCounts& present, const CircuitCounts& wanted);

/// One circuit with its NICs. server_a < server_b; NICs are numbered among the OCS NICs of their
/// server, 0..degree-1.
struct Circuit {
  int server_a = 0;
  int nic_a = 0;
  int server_b = 0;
  int nic_b = 0;
  bool operator==(const Circuit&) const = default;
};

}  // namespace mixnet
