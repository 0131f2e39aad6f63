#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace mixnet {
namespace {

// The first outputs of SplitMix64 seeded with 0: its step adds the golden gamma before mixing, so
// they are mix64(0), mix64(gamma), ... (Vigna's splitmix64.c prints the same).
TEST(Random, Mix64IsSplitMix64) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix64(0x9e3779b97f4a7c15ULL), 0x6e789e6aa1b965f4ULL);
}

/// xoshiro256**, written a second time from its description.
struct Reference {
  std::array<std::uint64_t, 4> s;
  std::uint64_t next() {
    const auto rotl = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const std::uint64_t result = rotl(s[1] * 5, 7) * 9;
    const std::uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
  }
};

TEST(Random, IsXoshiro256StarStar) {
  Reference reference{};
  std::uint64_t seed = 42;
  for (std::uint64_t& word : reference.s) word = seed = mix64(seed);
  Random random(42);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(random.next(), reference.next());
}

TEST(Random, SameSeedSameNumbers) {
  Random a(7);
  Random b(7);
  Random c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(a.normal(), b.normal());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, PlacesHaveSeedsOfTheirOwn) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t layer = 0; layer < 32; ++layer) {
    for (std::uint64_t batch = 0; batch < 32; ++batch) {
      seeds.insert(derive_seed(1, layer, batch));
      seeds.insert(derive_seed(2, layer, batch));
    }
  }
  EXPECT_EQ(seeds.size(), 2048U);
  EXPECT_NE(derive_seed(1, 2, 3), derive_seed(1, 3, 2)) << "the order of coordinates counts";
  EXPECT_EQ(derive_seed(5), mix64(5));
}

// Mean 1/2 and variance 1/12; the bounds are five standard errors of n draws.
TEST(Random, UniformIsUniform) {
  Random random(1);
  constexpr int kDraws = 100'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws - mean * mean, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / kDraws));
}

TEST(Random, BelowReachesAllAndOnlyWhatIsBelow) {
  Random random(3);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts.at(random.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 5 * std::sqrt(10'000.0 * 6 / 7));
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_GT(random.below(UINT64_MAX), 0U);
}

// Mean 0, variance 1, third moment 0, fourth 3; bounds are five standard errors.
TEST(Random, NormalIsNormal) {
  Random random(5);
  constexpr int kDraws = 200'000;
  std::array<double, 5> moments{};
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    double power = 1;
    for (double& moment : moments) moment += power / kDraws, power *= x;
  }
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0 / kDraws));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0 / kDraws));
}

}  // namespace
}  // namespace mixnet
