// Which ports of the device a driver names, given positions: as few as can be. Pure; O(n log n).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"

namespace mixnet {

/// Sorted, each once. A change's: those in its pairs.
std::vector<int> positions_of(const SwitchChange& change);
/// The slice, or all there are. Throws SwitchError (kMisuse) when the device lacks one of them.
std::vector<int> positions_of(const PortSlice& slice, const PortNumbering& numbering,
                              std::string_view device);
/// `asked`, or of none the slice. Throws SwitchError (kMisuse) for what is not in it.
std::vector<int> positions_asked(std::span<const int> asked, const PortSlice& slice,
                                 const PortNumbering& numbering, std::string_view device);

/// Inputs and outputs of these positions, sorted.
std::vector<int> device_ports(std::span<const int> positions, const PortNumbering& numbering);

}  // namespace mixnet
