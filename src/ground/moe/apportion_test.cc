#include "moe/apportion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<std::int32_t> apportioned(std::vector<std::int32_t> weights, std::int64_t total,
                                      std::int64_t cap, std::uint32_t offset = kHalfOffset) {
  apportion(weights, total, cap, offset);
  return weights;
}

TEST(Apportion, KeepsSharesThatAreWhole) {
  EXPECT_THAT(apportioned({1, 2, 3, 4}, 100, 100), ElementsAre(10, 20, 30, 40));
  EXPECT_THAT(apportioned({100, 200, 300, 400}, 10, 10), ElementsAre(1, 2, 3, 4));
}

TEST(Apportion, RoundsTheRunningSum) {
  // Shares of 10/3 each: the running sums 3.33, 6.67, 10 round to 3, 7, 10.
  EXPECT_THAT(apportioned({1, 1, 1}, 10, 10), ElementsAre(3, 4, 3));
}

TEST(Apportion, GivesTheExcessOverTheCapToTheOthersInProportion) {
  EXPECT_THAT(apportioned({90, 6, 4}, 100, 50), ElementsAre(50, 30, 20));
  // 50 for the first leaves 50 for the others, of which 40 for the second, which is capped in turn.
  EXPECT_THAT(apportioned({96, 3, 1}, 90, 40), ElementsAre(40, 38, 12));
  EXPECT_THAT(apportioned({96, 3, 1}, 90, 35), ElementsAre(35, 35, 20));
}

TEST(Apportion, FillsCellsWithoutWeightOnlyWhenTheOthersAreFull) {
  EXPECT_THAT(apportioned({5, 0, 0, 0}, 90, 30), ElementsAre(30, 20, 20, 20));
  EXPECT_THAT(apportioned({0, 0, 0, 0}, 8, 8), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(apportioned({7, 7}, 20, 10), ElementsAre(10, 10));
}

TEST(Apportion, TakesNothingAndOneCell) {
  EXPECT_THAT(apportioned({}, 0, 1), ElementsAre());
  EXPECT_THAT(apportioned({3, 4}, 0, 1), ElementsAre(0, 0));
  EXPECT_THAT(apportioned({3}, 7, 7), ElementsAre(7));
}

TEST(Apportion, HoldsItsPromisesForAnyWeights) {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::int32_t> weights(1 + random.below(round % 1000 == 0 ? 16'000 : 40));
    const int bits = static_cast<int>(random.below(32));
    for (std::int32_t& weight : weights) {
      weight = static_cast<std::int32_t>(random.below((std::uint64_t{1} << bits)));
      if (random.below(3) == 0) weight >>= random.below(31);
    }
    const auto cap = static_cast<std::int64_t>(1 + random.below(1 << 20));
    const std::int64_t most =
        std::min<std::int64_t>(cap * static_cast<std::int64_t>(weights.size()), INT32_MAX);
    const auto total =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)) + 1);
    const auto offset = static_cast<std::uint32_t>(random.next());
    const std::vector<std::int32_t> counts = apportioned(weights, total, cap, offset);

    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), total);
    ASSERT_THAT(counts, Each(testing::AllOf(testing::Ge(0), testing::Le(cap))));
    const double weight = std::accumulate(weights.begin(), weights.end(), 0.0);
    bool capped = weight == 0;
    for (const std::int32_t w : weights)
      capped |= w * static_cast<double>(total) > static_cast<double>(cap) * weight;
    for (std::size_t i = 0; !capped && i < weights.size(); ++i) {
      ASSERT_NEAR(counts[i], weights[i] * static_cast<double>(total) / weight, 1.0001);
    }
  }
}

TEST(Apportion, IsExactOnAverageOverOffsets) {
  constexpr int kOffsets = 1 << 12;
  std::vector<double> sums(5);
  for (std::uint32_t i = 0; i < kOffsets; ++i) {
    const auto counts = apportioned({1, 5, 2, 8, 3}, 7, 7, i << 20);
    for (std::size_t e = 0; e < sums.size(); ++e) sums[e] += counts[e];
  }
  const std::vector<double> weights = {1, 5, 2, 8, 3};
  for (std::size_t e = 0; e < sums.size(); ++e) {
    EXPECT_NEAR(sums[e] / kOffsets, weights[e] * 7 / 19, 1e-3);
  }
}

}  // namespace
}  // namespace mixnet
