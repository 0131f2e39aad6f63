// A device's own cross-connects, and our circuits: from the one to the other.
//
// A device knows *patches*: pairs of its own port numbers.
//   one side    a port carries both directions, so positions are ports, and a circuit a-b is the
//               one patch (a, b), in whichever order it is listed
//   two sides   ports 1..N are inputs, N+1..2N outputs. What the NIC at position p sends enters at
//               input p, and what leaves output N+p reaches it: a circuit a-b is the two patches
//               (a, N+b) and (b, N+a), and each of them is a path of light in one direction
// A SONiC switch, whose ports are pA and pB, is one of two sides. Pure; O(n log n).
#pragma once

#include <span>
#include <vector>

#include "ocs/optical_switch.h"

namespace mixnet {

struct Patch {
  int in = 0;
  int out = 0;
  auto operator<=>(const Patch&) const = default;
};

/// Which positions a driver may name; empty: all.
using PortSlice = std::vector<int>;  // sorted
bool in_slice(const PortSlice& slice, int position);

struct PortNumbering {
  Sides sides = Sides::kOne;
  int positions = 0;

  /// Ports as the device counts them: positions, or twice as many.
  int device_ports() const { return sides == Sides::kOne ? positions : 2 * positions; }
  std::vector<Patch> patches(OpticalCircuit circuit) const;
  /// The position behind a port of the device.
  int position(int device_port) const {
    return device_port > positions ? device_port - positions : device_port;
  }
  /// A patch whose ports the device cannot have, or is not from an input to an output.
  bool is_possible(Patch patch) const;
  /// In the order in which this numbering writes it: smaller port first, or input first.
  Patch ordered(Patch patch) const;
};

/// What these patches join, of the slice. A port in two patches is not asked about: the first
/// counts.
CrossConnects fold(std::span<const Patch> patches, const PortNumbering& numbering,
                   const PortSlice& slice);

}  // namespace mixnet
