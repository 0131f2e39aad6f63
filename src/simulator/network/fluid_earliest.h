// The earliest of many times, of which few change between two questions or nearly all. Internal to
// the fluid network's solver for large components.
//
// A tree of minima, 32 children to a node. set() only notes the change; the next question repairs
// the nodes above it: O(32 * depth) for a lone change, O(size) for any number of them. Places with
// a time up to a limit are listed in ascending order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace mixnet::fluid {

class EarliestTimes {
 public:
  /// All times become infinite.
  void reset(std::size_t size) {
    std::size_t level = 0;
    depth_ = 0;
    do {
      size = (size + kFan - 1) / kFan;
      if (levels_.size() == level) levels_.emplace_back();
      levels_[level].times.assign(size * kFan, std::numeric_limits<double>::infinity());
      levels_[level].noted.assign(size, false);
      levels_[level].changed.clear();
      depth_ = ++level;
    } while (size > 1);
  }

  void set(std::uint32_t place, double time) {
    levels_[0].times[place] = time;
    levels_[0].note(place / kFan);
  }
  double get(std::uint32_t place) const { return levels_[0].times[place]; }

  double earliest() {
    for (std::size_t i = 0; i + 1 < depth_; ++i) {
      for (const std::uint32_t block : levels_[i].changed) {
        levels_[i].noted[block] = false;
        levels_[i + 1].times[block] = levels_[i].block_min(block);
        levels_[i + 1].note(block / kFan);
      }
      levels_[i].changed.clear();
    }
    for (const std::uint32_t block : levels_[depth_ - 1].changed) {
      levels_[depth_ - 1].noted[block] = false;
    }
    levels_[depth_ - 1].changed.clear();
    return levels_[depth_ - 1].block_min(0);
  }

  /// Places with a time <= limit; ask for earliest() first.
  void list(double limit, std::vector<std::uint32_t>& places) const {
    places.clear();
    list_below(depth_ - 1, 0, limit, places);
  }

 private:
  static constexpr std::uint32_t kFan = 32;

  struct Level {
    std::vector<double> times;
    std::vector<char> noted;  ///< per block
    std::vector<std::uint32_t> changed;

    void note(std::uint32_t block) {
      if (noted[block] != 0) return;
      noted[block] = 1;
      changed.push_back(block);
    }
    double block_min(std::uint32_t block) const {
      const double* t = times.data() + std::size_t{block} * kFan;
      double low[4] = {t[0], t[1], t[2], t[3]};
      for (std::uint32_t i = 4; i < kFan; i += 4) {
        for (std::uint32_t j = 0; j < 4; ++j) low[j] = std::min(low[j], t[i + j]);
      }
      return std::min(std::min(low[0], low[1]), std::min(low[2], low[3]));
    }
  };

  void list_below(std::size_t level, std::uint32_t block, double limit,
                  std::vector<std::uint32_t>& places) const {
    for (std::uint32_t i = block * kFan; i < (block + 1) * kFan; ++i) {
      if (!(levels_[level].times[i] <= limit)) continue;
      if (level == 0) {
        places.push_back(i);
      } else {
        list_below(level - 1, i, limit, places);
      }
    }
  }

  std::vector<Level> levels_;
  std::size_t depth_ = 0;
};

}  // namespace mixnet::fluid
