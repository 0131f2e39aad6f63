#include "fabric/matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

/// Of the best matching among the nodes in `free`, by trying everything.
std::int64_t most_weight(std::uint32_t free, const std::vector<std::vector<std::int64_t>>& weight,
                         std::vector<std::int64_t>& known) {
  if (free == 0) return 0;
  if (known[free] >= 0) return known[free];
  const int a = std::countr_zero(free);
  const std::uint32_t others = free & (free - 1);
  std::int64_t best = most_weight(others, weight, known);
  for (std::uint32_t left = others; left != 0; left &= left - 1) {
    const int b = std::countr_zero(left);
    if (weight[a][b] == 0) continue;
    best = std::max(best, weight[a][b] + most_weight(others & ~(1U << b), weight, known));
  }
  return known[free] = best;
}

std::int64_t most_weight(int nodes, const std::vector<WeightedPair>& pairs) {
  std::vector<std::vector<std::int64_t>> weight(nodes, std::vector<std::int64_t>(nodes));
  for (const WeightedPair& pair : pairs) {
    auto& one = weight[std::min(pair.a, pair.b)][std::max(pair.a, pair.b)];
    one = std::max(one, pair.weight);
  }
  std::vector<std::int64_t> known(std::size_t{1} << nodes, -1);
  return most_weight((1U << nodes) - 1, weight, known);
}

/// Of what is taken, which must be a matching.
std::int64_t taken_weight(int nodes, const std::vector<WeightedPair>& pairs) {
  std::vector<bool> is_matched(nodes);
  std::int64_t sum = 0;
  for (const std::size_t i : heaviest_matching(nodes, pairs)) {
    const WeightedPair& pair = pairs[i];
    EXPECT_FALSE(is_matched[pair.a] || is_matched[pair.b]);
    is_matched[pair.a] = is_matched[pair.b] = true;
    sum += pair.weight;
  }
  return sum;
}

TEST(HeaviestMatching, TakesTwoLightPairsWhereOneHeavyIsInTheWay) {
  const std::vector<WeightedPair> path = {{0, 1, 5}, {1, 2, 8}, {2, 3, 5}};
  EXPECT_EQ(heaviest_matching(4, path), (std::vector<std::size_t>{0, 2}));
  const std::vector<WeightedPair> heavier = {{0, 1, 5}, {1, 2, 11}, {2, 3, 5}};
  EXPECT_EQ(heaviest_matching(4, heavier), (std::vector<std::size_t>{1}));
}

TEST(HeaviestMatching, OfNothingIsNothing) {
  EXPECT_TRUE(heaviest_matching(0, {}).empty());
  EXPECT_TRUE(heaviest_matching(3, {}).empty());
  EXPECT_TRUE(heaviest_matching(3, {{0, 1, 0}}).empty());
}

TEST(HeaviestMatching, IsThatOfTryingEverything) {
  Random random(3);
  for (int round = 0; round < 3000; ++round) {
    const int nodes = 2 + static_cast<int>(random.below(11));
    const double share = random.uniform();
    // Few weights make ties and blossoms; many, large ones, what demands are.
    const std::uint64_t weights = round % 2 == 0 ? 3 : std::uint64_t{1} << 50;
    std::vector<WeightedPair> pairs;
    for (int a = 0; a < nodes; ++a) {
      for (int b = a + 1; b < nodes; ++b) {
        if (random.uniform() > share) continue;
        const auto weight = static_cast<std::int64_t>(1 + random.below(weights));
        pairs.push_back(random.below(2) == 0 ? WeightedPair{a, b, weight}
                                             : WeightedPair{b, a, weight});
      }
    }
    ASSERT_EQ(taken_weight(nodes, pairs), most_weight(nodes, pairs)) << round;
  }
}

TEST(HeaviestMatching, OfAnEvenMeshLeavesNobodyOut) {
  for (const int nodes : {2, 8, 30, 64}) {
    std::vector<WeightedPair> mesh;
    for (int a = 0; a < nodes; ++a) {
      for (int b = a + 1; b < nodes; ++b) mesh.push_back({a, b, 1000});
    }
    EXPECT_EQ(heaviest_matching(nodes, mesh).size(), static_cast<std::size_t>(nodes) / 2);
  }
}

TEST(HeaviestMatching, OfManyRegionsIsTheirs) {
  std::vector<WeightedPair> pairs;
  Random random(5);
  std::int64_t best = 0;
  for (int region = 0; region < 500; ++region) {
    std::vector<WeightedPair> own;
    for (int a = 0; a < 8; ++a) {
      for (int b = a + 1; b < 8; ++b) {
        own.push_back({a, b, static_cast<std::int64_t>(1 + random.below(1000))});
      }
    }
    best += most_weight(8, own);
    for (WeightedPair pair : own) {
      pairs.push_back({8 * region + pair.a, 8 * region + pair.b, pair.weight});
    }
  }
  EXPECT_EQ(taken_weight(4000, pairs), best);
}

TEST(HeaviestMatching, OfVeryManyPairsIsAMatchingThatNobodyCanJoin) {
  constexpr int kNodes = 800;  // 319,600 pairs
  Random random(6);
  std::vector<WeightedPair> pairs;
  for (int a = 0; a < kNodes; ++a) {
    for (int b = a + 1; b < kNodes; ++b) {
      pairs.push_back({a, b, static_cast<std::int64_t>(1 + random.below(1000))});
    }
  }
  EXPECT_EQ(heaviest_matching(kNodes, pairs).size(), kNodes / 2U);
  EXPECT_GT(taken_weight(kNodes, pairs), 0);
}

}  // namespace
}  // namespace mixnet
