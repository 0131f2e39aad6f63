#include "ocs/device_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ocs/switch_error.h"

namespace mixnet {

std::vector<int> positions_of(const SwitchChange& change) {
  std::set<int> positions;
  for (const auto* list : {&change.disconnect, &change.connect}) {
    for (const OpticalCircuit& circuit : *list) positions.insert({circuit.a, circuit.b});
  }
  return {positions.begin(), positions.end()};
}

std::vector<int> positions_of(const PortSlice& slice, const PortNumbering& numbering,
                              std::string_view device) {
  for (const int position : slice) {
    if (position >= 1 && position <= numbering.positions) continue;
    throw SwitchError(SwitchFault::kMisuse, device,
                      fmt::format("port {} is in the slice", position),
                      fmt::format("ports are 1 to {}", numbering.positions));
  }
  if (!slice.empty()) return slice;
  std::vector<int> all;
  for (int position = 1; position <= numbering.positions; ++position) all.push_back(position);
  return all;
}

std::vector<int> positions_asked(std::span<const int> asked, const PortSlice& slice,
                                 const PortNumbering& numbering, std::string_view device) {
  const std::vector<int> may = positions_of(slice, numbering, device);
  for (const int position : asked) {
    if (std::ranges::binary_search(may, position)) continue;
    throw SwitchError(SwitchFault::kMisuse, device, fmt::format("port {} is asked about", position),
                      "it is not in the slice given to this driver");
  }
  return asked.empty() ? may : std::vector<int>(asked.begin(), asked.end());
}

std::vector<int> device_ports(std::span<const int> positions, const PortNumbering& numbering) {
  std::vector<int> ports;
  for (const int position : positions) {
    ports.push_back(position);
    if (numbering.sides == Sides::kTwo) ports.push_back(numbering.positions + position);
  }
  std::ranges::sort(ports);
  const auto twice = std::unique(ports.begin(), ports.end());
  ports.erase(twice, ports.end());
  return ports;
}

}  // namespace mixnet
