// Which pairs of many to take so that none shares a node with another and their weights sum to the
// most: Edmonds' blossom algorithm, by the LEMON library. C++17, as that library is: this header is
// read by both.
//
// Deterministic, thread-safe. Parts of the graph that no pair joins are matched one by one, so a
// cluster of many regions costs the sum of its regions; a part of n nodes and m pairs at most
// O(n m log n), in practice far less. Parts of over 2^18 pairs are matched greedily, heaviest pair
// first, which gives half of the most at least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mixnet {

struct WeightedPair {
  int a = 0, b = 0;         ///< two nodes
  std::int64_t weight = 0;  ///< up to 2^50; a pair of no weight is not taken
};

/// The positions in `pairs` of those taken, ascending. `nodes`: they are numbered from zero.
std::vector<std::size_t> heaviest_matching(int nodes, const std::vector<WeightedPair>& pairs);

}  // namespace mixnet
