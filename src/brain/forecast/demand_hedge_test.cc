#include "forecast/demand_hedge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "circuits/balanced_time.h"
#include "circuits/refined_allocator.h"

namespace mixnet {
namespace {

constexpr std::int64_t kBytes = 1'000'000;

std::int64_t received(const ServerDemand& demand, std::size_t to) {
  std::int64_t sum = 0;
  for (std::size_t from = 0; from < demand.rows(); ++from) {
    if (from != to) sum += demand(from, to);
  }
  return sum;
}

/// Every server sends as much.
void level_senders(ServerDemand& demand) {
  for (std::size_t from = 0; from < demand.rows(); ++from) {
    double sum = 0;
    for (const std::int64_t bytes : demand.row(from)) sum += static_cast<double>(bytes);
    const double factor = static_cast<double>(kBytes * demand.rows()) / sum;
    for (std::int64_t& bytes : demand.row(from)) {
      bytes = std::llround(static_cast<double>(bytes) * factor);
    }
  }
}

/// Log-normal factors on each receiver and on each pair.
ServerDemand skewed(std::size_t n, double servers, double pairs, Random& random) {
  ServerDemand demand(n, n);
  for (std::size_t to = 0; to < n; ++to) {
    const double popular = servers * random.normal();
    for (std::size_t from = 0; from < n; ++from) {
      demand(from, to) = std::llround(kBytes * std::exp(popular + pairs * random.normal()));
    }
  }
  level_senders(demand);
  return demand;
}

ServerDemand misjudged(const ServerDemand& demand, double by, Random& random) {
  ServerDemand forecast = demand;
  for (std::int64_t& bytes : forecast.cells()) {
    bytes = std::llround(static_cast<double>(bytes) * std::exp(by * random.normal()));
  }
  level_senders(forecast);
  return forecast;
}

TEST(LevelDemand, DrawsReceiversTogether) {
  ServerDemand demand(3, 3);
  demand(0, 1) = 100;
  demand(2, 1) = 140;
  demand(0, 2) = demand(1, 2) = 60;
  demand(1, 0) = 80;
  demand(2, 0) = 40;
  demand(1, 1) = 7;  // stays at home
  EXPECT_EQ(level_demand(demand, 0), demand);
  // They receive 120, 240, 120, in the mean 160.
  const ServerDemand level = level_demand(demand, 1);
  for (std::size_t to = 0; to < 3; ++to) EXPECT_EQ(received(level, to), 160);
  EXPECT_EQ(level(2, 1) - level(0, 1), 40);
  EXPECT_EQ(level(1, 1), 7);
  const ServerDemand half = level_demand(demand, 0.5);
  EXPECT_EQ(received(half, 1), 200);
  EXPECT_EQ(received(half, 2), 140);
  // Then pairs: two of a server at 80 each in the mean; the one without demand stays so.
  const ServerDemand beyond = level_demand(demand, 1.5);
  EXPECT_EQ(beyond(0, 1), (level(0, 1) + 80) / 2);
  EXPECT_EQ(beyond(2, 1) - beyond(0, 1), 20);
  const ServerDemand even = level_demand(demand, 2);
  for (std::size_t s = 0; s < 3; ++s) {
    for (std::size_t t = 0; t < 3; ++t) {
      const std::int64_t pair = demand(s, t) > 0 ? 80 : 0;
      if (s != t) {
        EXPECT_EQ(even(s, t), pair) << s << t;
      }
    }
  }
  EXPECT_EQ(even(1, 1), 7);
}

TEST(LevelDemand, KeepsPairsApartFromNone) {
  ServerDemand demand(3, 3);
  demand(0, 1) = 1000;
  demand(2, 1) = 1;
  demand(1, 0) = 1;
  const ServerDemand level = level_demand(demand, 1);
  EXPECT_EQ(level(2, 1), 1);  // lost more than it had
  EXPECT_GT(level(1, 0), 1);
  EXPECT_EQ(level(0, 2), 0);
  EXPECT_EQ(level_demand(ServerDemand(1, 1, 5), 1), ServerDemand(1, 1, 5));
  EXPECT_EQ(level_demand(ServerDemand(0, 0), 1), ServerDemand(0, 0));
}

/// Regrets of allocating for what is hedged and for the forecast as it is, over 40 random demands.
struct Regrets {
  double hedged = 0;
  double plain = 0;
  double strength = 0;
};

Regrets regrets(std::size_t servers, double misjudged_by) {
  Random random(servers);
  RefinedAllocator allocator;
  DemandHedge hedge;
  Regrets sums;
  for (int gate = 0; gate < 80; ++gate) {
    const ServerDemand real = skewed(servers, 0.2, 0.1, random);
    const ServerDemand forecast = misjudged(real, misjudged_by, random);
    const auto time_for = [&](const ServerDemand& demand) {
      return balanced_time(real, allocator.allocate(demand, 6, 2), 2);
    };
    if (gate >= 40) {
      const double best = time_for(real);
      sums.hedged += (time_for(hedge.hedged(forecast)) / best - 1) / 40;
      sums.plain += (time_for(forecast) / best - 1) / 40;
    }
    hedge.learn(forecast, time_for);
  }
  sums.strength = hedge.strength();
  return sums;
}

// Forecasts that are off by a tenth a pair. With circuits for nearly every pair, hedging saves more
// than half of what that costs. With circuits for fewer, errors that know nothing of each other
// leave nothing to save, and trying costs little.
TEST(DemandHedge, PaysWhereForecastsErr) {
  const Regrets few = regrets(8, 0.1);
  EXPECT_GT(few.plain, 0.003);
  EXPECT_LT(few.hedged, 0.5 * few.plain);
  EXPECT_GT(few.strength, 0);
  const Regrets many = regrets(16, 0.1);
  EXPECT_LT(many.hedged, 1.2 * many.plain);
}

// Forecasts that are right: whatever it does costs nothing.
TEST(DemandHedge, CostsNothingWhereForecastsAreRight) {
  for (const std::size_t servers : {8, 16}) EXPECT_LT(regrets(servers, 0).hedged, 1e-3) << servers;
}

TEST(DemandHedge, TakesWhatHasLostLeast) {
  const ServerDemand demand = [] {
    Random random(3);
    return skewed(4, 0.5, 0.1, random);
  }();
  const auto spread = [](const ServerDemand& tried) {
    std::int64_t most = 0;
    for (std::size_t to = 0; to < tried.rows(); ++to) most = std::max(most, received(tried, to));
    return static_cast<double>(most);
  };
  DemandHedge hedge;
  EXPECT_EQ(hedge.strength(), DemandHedge::kStrengths[0]);
  hedge.learn(demand, [&](const ServerDemand& tried) { return 1 / spread(tried); });
  EXPECT_EQ(hedge.strength(), 0);
  EXPECT_EQ(hedge.hedged(demand), demand);
  // Times of 0, and such without an end, say nothing; one without an end loses all.
  hedge.learn(demand, [](const ServerDemand&) { return 0.0; });
  hedge.learn(demand, [](const ServerDemand&) { return std::numeric_limits<double>::infinity(); });
  EXPECT_EQ(hedge.strength(), 0);
  for (int gate = 0; gate < 2; ++gate) {
    hedge.learn(demand, [&](const ServerDemand& tried) {
      return tried == demand ? std::numeric_limits<double>::infinity() : 1 + 1 / spread(tried);
    });
  }
  EXPECT_EQ(hedge.strength(), 0.4);
  for (int gate = 0; gate < 20; ++gate) hedge.learn(demand, spread);  // level is best
  EXPECT_EQ(hedge.strength(), 2);
}

}  // namespace
}  // namespace mixnet
