#include "network/packet_paths.h"

#include <algorithm>

namespace mixnet {

void append_packet_paths(const PacketFabric& graph, PathPolicy policy, int from, int to,
                         std::uint64_t hash, std::vector<std::uint32_t>& paths) {
  constexpr int kEnough = 64;
  if (policy == PathPolicy::kEcmp) return graph.append_path(from, to, hash, paths);
  const int choices = graph.path_choices(from, to);
  const int rounds = std::max(1, kEnough / graph.first_hops());
  const int taken = std::min(choices, rounds * graph.first_hops());
  // Past the paths that failed; with none left, append_path() says so.
  std::vector<std::uint64_t> working;
  for (int i = 0; i < choices && static_cast<int>(working.size()) < taken; ++i) {
    const std::uint64_t choice = (hash + i) % choices;
    if (graph.works(from, to, choice)) working.push_back(choice);
  }
  if (working.empty()) working.push_back(0);
  for (const std::uint64_t choice : working) graph.append_path(from, to, choice, paths);
}

}  // namespace mixnet
