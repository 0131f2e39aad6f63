// Which matrix input is joined to which output: at most one from each, at most one to it.
// Positions 1..ports; 0: none. A plain value; O(1) each.
#pragma once

#include <vector>

#include "ocs/optical_switch.h"

namespace mixnet {

class PathTable {
 public:
  explicit PathTable(int ports)
      : to_(static_cast<std::size_t>(ports) + 1), from_(static_cast<std::size_t>(ports) + 1) {}

  int path_from(int input) const { return to_[static_cast<std::size_t>(input)]; }
  int path_to(int output) const { return from_[static_cast<std::size_t>(output)]; }
  bool holds(LightPath path) const { return path.to != 0 && path_from(path.from) == path.to; }
  /// Neither end is joined to anything.
  bool is_free(LightPath path) const { return path_from(path.from) == 0 && path_to(path.to) == 0; }

  /// Only where it is free.
  void add(LightPath path) {
    to_[static_cast<std::size_t>(path.from)] = path.to;
    from_[static_cast<std::size_t>(path.to)] = path.from;
  }
  /// Only where it is held.
  void remove(LightPath path) {
    to_[static_cast<std::size_t>(path.from)] = 0;
    from_[static_cast<std::size_t>(path.to)] = 0;
  }

  /// All, by input. O(ports).
  std::vector<LightPath> paths() const {
    std::vector<LightPath> paths;
    for (std::size_t input = 1; input < to_.size(); ++input) {
      if (to_[input] != 0) paths.push_back({static_cast<int>(input), to_[input]});
    }
    return paths;
  }

 private:
  std::vector<int> to_;    ///< by input
  std::vector<int> from_;  ///< by output
};

}  // namespace mixnet
