#include "circuits/exact_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "circuits/balanced_time.h"
#include "circuits/refined_allocator.h"

namespace mixnet {
namespace {

/// Log-normal; `sigma` 0.3 is nearly even, 2 a few pairs with all.
ServerDemand skewed(int servers, std::uint64_t seed, double sigma = 1.2) {
  Random random(seed);
  ServerDemand demand(servers, servers);
  for (int s = 0; s < servers; ++s) {
    for (int t = 0; t < servers; ++t) {
      if (s != t) demand(s, t) = static_cast<std::int64_t>(1e6 * std::exp(sigma * random.normal()));
    }
  }
  return demand;
}

/// Every way to give circuits, one pair after another.
double exhaustive(const ServerDemand& demand, std::vector<int> free,
                  const std::vector<int>& eps_nics) {
  const int n = static_cast<int>(demand.rows());
  CircuitCounts counts(n, n);
  double best = std::numeric_limits<double>::infinity();
  const std::function<void(int, int)> give = [&](int s, int t) {
    if (t == n) return give(s + 1, s + 2);
    if (s >= n - 1) {
      best = std::min(best, balanced_time(demand, counts, eps_nics));
      return;
    }
    const int most = std::min(free[s], free[t]);
    for (int c = 0; c <= most; ++c) {
      counts(s, t) = counts(t, s) = c;
      free[s] -= c;
      free[t] -= c;
      give(s, t + 1);
      free[s] += c;
      free[t] += c;
    }
    counts(s, t) = counts(t, s) = 0;
  };
  give(0, 1);
  return best;
}

// Up to 5 servers, with all that a region can have: failures, no EPS, pairs without demand, demands
// that are all alike.
TEST(ExactAllocator, AgreesWithExhaustiveSearch) {
  int unconnected = 0;
  for (int round = 0; round < 500; ++round) {
    Random random(derive_seed(3, round));
    const int servers = 2 + static_cast<int>(random.below(4));
    std::vector<int> nics(servers, static_cast<int>(random.below(4)));
    std::vector<int> eps_nics(servers, static_cast<int>(random.below(3)));
    if (round % 2 == 0) {  // after failures
      nics[random.below(servers)] = static_cast<int>(random.below(3));
      int& fewer = eps_nics[random.below(servers)];
      fewer = std::max(0, fewer - 1);
    }
    const double sigmas[] = {0, 0.3, 1.2, 2};
    ServerDemand demand = skewed(servers, derive_seed(4, round), sigmas[random.below(4)]);
    if (round % 3 == 0) {
      for (std::int64_t& bytes : demand.cells()) bytes = random.below(2) == 0 ? 0 : bytes;
    }
    const ExactCircuits exact = allocate_exactly(demand, nics, eps_nics, 1e-6);
    const double best = exhaustive(demand, nics, eps_nics);
    EXPECT_DOUBLE_EQ(balanced_time(demand, exact.counts, eps_nics), exact.time);
    for (int s = 0; s < servers; ++s) {
      int used = 0;
      for (int t = 0; t < servers; ++t) {
        used += exact.counts(s, t);
        EXPECT_EQ(exact.counts(s, t), exact.counts(t, s));
      }
      EXPECT_LE(used, nics[s]) << round;
    }
    if (std::isinf(best)) {
      ++unconnected;
      EXPECT_EQ(exact.time, best) << round;
      EXPECT_EQ(exact.bound, best) << round;
      continue;
    }
    EXPECT_NEAR(exact.time, best, 2e-6 * best) << round;
    EXPECT_LE(exact.bound, best * (1 + 1e-9)) << round;
  }
  EXPECT_GT(unconnected, 20);
  EXPECT_LT(unconnected, 250);
}

TEST(ExactAllocator, RefinedIsNearTheBestOfSmallRegions) {
  double sum_refined = 0;
  double worst_refined = 0;
  double sum_greedy = 0;
  constexpr int kRegions = 200;
  RefinedAllocator refined;
  GreedyAllocator greedy;
  for (int round = 0; round < kRegions; ++round) {
    Random random(derive_seed(5, round));
    const int servers = 4 + static_cast<int>(random.below(3));
    const int degree = 2 + static_cast<int>(random.below(3));
    const double sigma = round % 2 == 0 ? 1.2 : 0.3;
    const int eps_nics = 1 + round / 2 % 2;
    const ServerDemand demand = skewed(servers, derive_seed(6, round), sigma);
    const ExactCircuits exact = allocate_exactly(demand, degree, eps_nics);
    const double over =
        balanced_time(demand, refined.allocate(demand, degree, eps_nics), eps_nics) / exact.time -
        1;
    sum_refined += over;
    worst_refined = std::max(worst_refined, over);
    sum_greedy += balanced_time(demand, greedy.allocate(demand, degree), eps_nics) / exact.time - 1;
  }
  EXPECT_LT(sum_refined / kRegions, 0.02);
  EXPECT_LT(worst_refined, 0.10);
  RecordProperty("refined_mean_percent", std::to_string(100 * sum_refined / kRegions));
  RecordProperty("refined_worst_percent", std::to_string(100 * worst_refined));
  RecordProperty("greedy_mean_percent", std::to_string(100 * sum_greedy / kRegions));
}

TEST(ExactAllocator, FindsAWayWhereThereIsOne) {
  // No EPS: every pair needs a circuit. A ring of four has just enough NICs.
  ServerDemand demand(4, 4);
  demand(0, 1) = demand(1, 2) = demand(2, 3) = demand(3, 0) = 100;
  EXPECT_DOUBLE_EQ(allocate_exactly(demand, 2, 0).time, 100);
  demand(0, 2) = 1;
  EXPECT_EQ(allocate_exactly(demand, 2, 0).time, std::numeric_limits<double>::infinity());
  EXPECT_EQ(allocate_exactly(ServerDemand(3, 3), 2, 2).time, 0);
}

// As at run time: 16 servers with 6 OCS and 2 EPS NICs. Refined is a few percent above the best.
TEST(ExactAllocator, ProvesTheBestOfSixteenServers) {
  for (int round = 0; round < 20; ++round) {
    const ServerDemand demand = skewed(16, derive_seed(11, round), round % 2 == 0 ? 0.3 : 1.2);
    const ExactCircuits exact = allocate_exactly(demand, 6, 2, 1e-4, 500'000'000);
    EXPECT_LE(exact.time, exact.bound * (1 + 1e-4));
    const double refined = balanced_time(demand, RefinedAllocator().allocate(demand, 6, 2), 2);
    EXPECT_LE(exact.time, refined);
    EXPECT_LE(exact.bound, refined);
    EXPECT_LT(refined, exact.time * 1.1);
  }
}

TEST(ExactAllocator, SaysWhatItCannotDo) {
  EXPECT_THROW(allocate_exactly(ServerDemand(65, 65), 2, 2), Error);
  EXPECT_THROW(allocate_exactly(ServerDemand(2, 2), -1, 2), Error);
  try {
    allocate_exactly(skewed(16, 1), 6, 2, 1e-4, 1000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "exact allocation: the search is too long; use the refined allocator for a region "
                 "of this size");
  }
}

}  // namespace
}  // namespace mixnet
