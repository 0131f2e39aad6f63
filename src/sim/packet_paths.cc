#include "sim/packet_paths.h"

#include <algorithm>

#include "base/random.h"

namespace mixnet {

void append_packet_paths(const PacketFabric& graph, PathPolicy policy, int from, int to, int part,
                         std::vector<std::uint32_t>& paths) {
  constexpr int kEnough = 64;
  const std::uint64_t hash = derive_seed(from, to, part);
  if (policy == PathPolicy::kEcmp) return graph.append_path(from, to, hash, paths);
  const int choices = graph.path_choices(from, to);
  const int rounds = std::max(1, kEnough / graph.first_hops());
  const int taken = std::min(choices, rounds * graph.first_hops());
  for (int i = 0; i < taken; ++i) graph.append_path(from, to, (hash + i) % choices, paths);
}

}  // namespace mixnet
