// Requests whose ports move together, and what becomes of the paths when they come to rest.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/env.h"
#include "emulator/path_request.h"
#include "emulator/path_table.h"

namespace mixnet {

/// How a fault lets a request end.
enum class Fate {
  kWhole,
  kReverted,  ///< given up: what stood stands again
  kDarkened,  ///< removed, nothing added
  kHalf       ///< removed, the first half added
};

struct MovingRequest {
  RequestId id = 0;
  PathRequest request;
  Fate fate = Fate::kWhole;
  RequestAnswer answer;
  bool answered = false;  ///< amid the movement: its connection was dropped
};

inline MonotonicTime after(MonotonicTime time, Duration span) {
  return time + std::chrono::nanoseconds(span.ns);
}

struct Movement {
  std::uint64_t number = 0;
  MonotonicTime opened;
  MonotonicTime closes;               ///< until then requests join it
  std::optional<MonotonicTime> ends;  ///< none: still open
  std::vector<MovingRequest> requests;
  std::vector<LightPath> before;  ///< what its requests removed of what stood

  MonotonicTime due() const { return ends.value_or(closes); }
};

/// Cross-connects of the device: circuits of one side, paths of two. Those to connect, or to
/// disconnect where none is to be connected; at least 1.
int pairs_of(const Movement& movement, Sides sides);

/// The first `count` cross-connects of these paths; of one side both paths of each.
std::vector<LightPath> first_pairs(std::span<const LightPath> paths, int count, Sides sides);
/// How many there are.
int count_pairs(std::span<const LightPath> paths, Sides sides);
/// Without its second half; removals count first. Ports to be free go with the paths to be added
/// there; where there are none, half of them stays.
PathRequest first_half(const PathRequest& request, Sides sides);

/// Inputs and outputs that requests name, each once and sorted.
struct NamedPorts {
  std::vector<int> inputs;
  std::vector<int> outputs;
};
NamedPorts ports_of(const PathRequest& request);
NamedPorts ports_of(const Movement& movement);
/// The two together, each once and sorted.
std::vector<int> positions_of(const NamedPorts& ports);
std::vector<int> positions_of(const PathRequest& request);

/// Brings into `table`, where nothing stands on the movement's ports, what stands there afterwards:
/// what stood before, changed by each request in its order as its fate says. A port that
/// `is_stuck` keeps what it had, and what finds its port taken by that is not added.
void settle(const Movement& movement, Sides sides, const std::function<bool(int port)>& is_stuck,
            PathTable& table);

}  // namespace mixnet
