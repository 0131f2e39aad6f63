#include "sweep/point_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <set>
#include <stdexcept>

#include "base/error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLong{60'000};

std::vector<PointOutcome> echo(const PointArguments& points, int threads) {
  std::vector<PointOutcome> outcomes;
  for (const auto& words : points) outcomes.push_back({words.at(0) + std::to_string(threads), ""});
  return outcomes;
}

TEST(PointPool, GivesEachBatchItsResult) {
  PointPool pool(3, echo);
  EXPECT_EQ(pool.threads(), 3);
  EXPECT_FALSE(pool.take(milliseconds(0)));
  for (std::size_t n = 0; n < 20; ++n) pool.submit({n, 2, {{"a"}, {std::to_string(n)}}});
  std::set<std::size_t> seen;
  for (int i = 0; i < 20; ++i) {
    const auto result = pool.take(kLong);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->outcomes.size(), 2u);
    EXPECT_EQ(result->outcomes[1].fields, std::to_string(result->number) + "2");
    seen.insert(result->number);
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(PointPool, RunsAsManyBatchesAtOnceAsItHasThreads) {
  std::barrier together(3);  // nobody passes before three are here
  PointPool pool(3, [&](const PointArguments& points, int threads) {
    together.arrive_and_wait();
    return echo(points, threads);
  });
  for (std::size_t n = 0; n < 6; ++n) pool.submit({n, 1, {{"a"}}});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(pool.take(kLong));
}

TEST(PointPool, WhatARunnerThrowsIsTheOutcomeOfAllPoints) {
  PointPool pool(1, [](const PointArguments& points, int) -> std::vector<PointOutcome> {
    if (points[0][0] == "error") throw Error("x", "is bad");
    if (points[0][0] == "memory") throw std::bad_alloc();
    if (points[0][0] == "fault") throw std::runtime_error("oops");
    return {};
  });
  for (const auto& [word, said] :
       {std::pair("error", "x: is bad"), std::pair("memory", "out of memory"),
        std::pair("fault", "internal error: oops"),
        std::pair("few", "internal error: points without an outcome")}) {
    pool.submit({0, 1, {{word}, {"another"}}});
    const auto result = pool.take(kLong);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->outcomes.size(), 2u);
    for (const PointOutcome& outcome : result->outcomes) EXPECT_EQ(outcome.error, said);
  }
}

TEST(PointPool, IsGoneAfterTheBatchesThatRun) {
  std::atomic<int> ran{0};
  {
    PointPool pool(1, [&](const PointArguments& points, int threads) {
      ++ran;
      return echo(points, threads);
    });
    for (std::size_t n = 0; n < 1000; ++n) pool.submit({n, 1, {{"a"}}});
    pool.take(kLong);
  }
  EXPECT_GE(ran, 1);
}

}  // namespace
}  // namespace mixnet
