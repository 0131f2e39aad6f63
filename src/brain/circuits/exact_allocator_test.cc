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

TEST(ExactAllocator, AgreesWithExhaustiveSearch) {
  for (int round = 0; round < 40; ++round) {
    Random random(derive_seed(3, round));
    const int servers = 2 + static_cast<int>(random.below(3));
    std::vector<int> nics(servers, static_cast<int>(random.below(4)));
    std::vector<int> eps_nics(servers, 1 + static_cast<int>(random.below(2)));
    if (round % 2 == 0) {  // after failures
      nics[random.below(servers)] = static_cast<int>(random.below(3));
      --eps_nics[random.below(servers)];
    }
    const ServerDemand demand = skewed(servers, derive_seed(4, round));
    const ExactCircuits exact = allocate_exactly(demand, nics, eps_nics, 1e-6);
    const double best = exhaustive(demand, nics, eps_nics);
    if (std::isinf(best)) {
      EXPECT_EQ(exact.time, best) << round;
      continue;
    }
    EXPECT_NEAR(exact.time, best, 2e-6 * best) << round;
    EXPECT_LE(exact.bound, best * (1 + 1e-6)) << round;
    EXPECT_DOUBLE_EQ(balanced_time(demand, exact.counts, eps_nics), exact.time);
  }
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

TEST(ExactAllocator, SaysWhatItCannotDo) {
  EXPECT_THROW(allocate_exactly(ServerDemand(65, 65), 2, 2), Error);
  EXPECT_THROW(allocate_exactly(ServerDemand(2, 2), -1, 2), Error);
}

}  // namespace
}  // namespace mixnet
