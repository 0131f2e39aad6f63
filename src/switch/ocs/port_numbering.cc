#include "ocs/port_numbering.h"

#include <algorithm>
#include <set>

namespace mixnet {

bool in_slice(const PortSlice& slice, int position) {
  return slice.empty() || std::ranges::binary_search(slice, position);
}

std::vector<Patch> PortNumbering::patches(OpticalCircuit circuit) const {
  if (sides == Sides::kOne) return {{circuit.a, circuit.b}};
  if (circuit.a == circuit.b) return {{circuit.a, positions + circuit.a}};
  return {{circuit.a, positions + circuit.b}, {circuit.b, positions + circuit.a}};
}

bool PortNumbering::is_possible(Patch patch) const {
  if (sides == Sides::kOne) {
    return patch.in >= 1 && patch.out >= 1 && patch.in <= positions && patch.out <= positions &&
           patch.in != patch.out;
  }
  return patch.in >= 1 && patch.in <= positions && patch.out > positions &&
         patch.out <= 2 * positions;
}

Patch PortNumbering::ordered(Patch patch) const {
  return patch.in <= patch.out ? patch : Patch{patch.out, patch.in};
}

CrossConnects fold(std::span<const Patch> patches, const PortNumbering& numbering,
                   const PortSlice& slice) {
  CrossConnects joined;
  std::set<LightPath> paths;
  std::set<int> entered;
  std::set<int> left;
  for (const Patch& patch : patches) {
    const int from = numbering.position(patch.in);
    const int to = numbering.position(patch.out);
    const bool ours = in_slice(slice, from);
    if (ours != in_slice(slice, to)) joined.taken.push_back(ours ? from : to);
    if (!ours || !in_slice(slice, to)) continue;
    if (!entered.insert(from).second || !left.insert(to).second) continue;
    paths.insert({from, to});
    if (numbering.sides == Sides::kOne) paths.insert({to, from});
  }
  for (const LightPath& path : paths) {
    const bool both = path.from != path.to && paths.contains({path.to, path.from});
    if (!both) joined.halves.push_back(path);
    if (both && path.from < path.to) joined.circuits.push_back({path.from, path.to});
  }
  std::ranges::sort(joined.taken);
  const auto twice = std::unique(joined.taken.begin(), joined.taken.end());
  joined.taken.erase(twice, joined.taken.end());
  return joined;
}

}  // namespace mixnet
