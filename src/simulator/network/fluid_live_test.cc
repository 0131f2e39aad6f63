#include "network/fluid_live.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "base/random.h"
#include "network/fluid_network.h"

namespace mixnet {
namespace {

constexpr Bandwidth kRate = Bandwidth::gbps(8);  // a byte a ns

struct Ends {
  std::map<std::uint64_t, Time> at;
  void watch(LiveFluid& fluid) {
    fluid.on_completion([this](std::uint64_t tag, Time time) { at[tag] = time; });
  }
};

TEST(LiveFluid, AFlowTakesItsBytesAndItsDelay) {
  LiveFluid fluid(std::vector{kRate, kRate * 2});
  Ends ends;
  ends.watch(fluid);
  const std::uint32_t path[] = {0, 1};
  fluid.add_flow(path, {1000}, Time::nanoseconds(50), 7);
  EXPECT_FALSE(fluid.run_until(Time::nanoseconds(1049)));
  EXPECT_EQ(fluid.now(), Time::nanoseconds(1049));
  EXPECT_TRUE(fluid.run_until(Time::max()));
  EXPECT_EQ(ends.at.at(7), Time::nanoseconds(1050));
  EXPECT_EQ(fluid.now(), Time::nanoseconds(1050));
  EXPECT_EQ(fluid.link_bytes(1), 1000);
}

TEST(LiveFluid, ADelayHoldsNoLink) {
  LiveFluid fluid(std::vector{kRate});
  Ends ends;
  ends.watch(fluid);
  const std::uint32_t path[] = {0};
  fluid.add_flow(path, {1000}, Time::microseconds(9), 0);
  fluid.run_until(Time::microseconds(2));
  fluid.add_flow(path, {1000}, Time::zero(), 1);
  fluid.run_until(Time::max());
  EXPECT_EQ(ends.at[1], Time::microseconds(3));
  EXPECT_EQ(ends.at[0], Time::microseconds(10));
}

TEST(LiveFluid, WhatTakesForEverDoesNotEndEarly) {
  LiveFluid fluid(std::vector{Bandwidth{1'000'000}});
  Ends ends;
  ends.watch(fluid);
  const std::uint32_t path[] = {0};
  fluid.add_flow(path, {std::int64_t{1} << 48}, Time::microseconds(1), 0);  // 70 years
  EXPECT_FALSE(fluid.run_until(Time::seconds(2'592'000)));
  EXPECT_TRUE(ends.at.empty());
}

TEST(LiveFluid, AFlowThatJoinsHalvesTheRate) {
  LiveFluid fluid(std::vector{kRate});
  Ends ends;
  ends.watch(fluid);
  const std::uint32_t path[] = {0};
  fluid.add_flow(path, {1000}, Time::zero(), 0);
  fluid.run_until(Time::nanoseconds(500));
  fluid.add_flow(path, {1000}, Time::zero(), 1);
  fluid.run_until(Time::max());
  EXPECT_EQ(ends.at[0], Time::nanoseconds(1500));
  EXPECT_EQ(ends.at[1], Time::nanoseconds(2000));
}

TEST(LiveFluid, ACallbackAddsFlowsAndStops) {
  LiveFluid fluid(std::vector{kRate});
  const std::uint32_t path[] = {0};
  int left = 3;
  fluid.on_completion([&](std::uint64_t, Time) {
    if (--left > 0) fluid.add_flow(path, {100}, Time::zero(), 0);
    if (left == 1) fluid.stop();
  });
  fluid.add_flow(path, {100}, Time::zero(), 0);
  EXPECT_FALSE(fluid.run_until(Time::max()));
  EXPECT_EQ(fluid.now(), Time::nanoseconds(200));
  EXPECT_EQ(fluid.running_flows(), 1U);
  EXPECT_TRUE(fluid.run_until(Time::nanoseconds(1000)));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(fluid.now(), Time::nanoseconds(1000));
}

/// Flows at random times on random paths: the same ends as the network that knows them beforehand.
TEST(LiveFluid, AgreesWithTheFluidNetwork) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Bandwidth> rates(1 + random.below(12));
    for (Bandwidth& rate : rates) rate = kRate * static_cast<std::int64_t>(1 + random.below(4));
    LiveFluid live(rates);
    FluidNetwork known(rates);
    Ends ends;
    ends.watch(live);
    Time start;
    const std::uint64_t flows = 1 + random.below(40);
    for (std::uint64_t flow = 0; flow < flows; ++flow) {
      std::vector<std::uint32_t> path;
      for (std::uint32_t link = 0; link < rates.size(); ++link) {
        if (random.below(3) == 0) path.push_back(link);
      }
      if (path.empty()) path.push_back(0);
      const Bytes bytes{static_cast<std::int64_t>(1 + random.below(20'000))};
      if (random.below(2) == 0)
        start += Time::nanoseconds(static_cast<std::int64_t>(random.below(9'000)));
      live.run_until(start);
      live.add_flow(path, bytes, Time::zero(), flow);
      known.add_flow(path, bytes, 1, start);
    }
    live.run_until(Time::max());
    known.run();
    ASSERT_EQ(ends.at.size(), flows);
    for (std::uint64_t flow = 0; flow < flows; ++flow) {
      // Each rounding to a picosecond may move what follows a little.
      EXPECT_NEAR(static_cast<double>(ends.at[flow].ps),
                  static_cast<double>(known.completion(flow).ps), 100)
          << round;
    }
  }
}

}  // namespace
}  // namespace mixnet
