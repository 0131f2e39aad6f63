#include "sim/switch_policy.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace mixnet {
namespace {

constexpr Time ms(std::int64_t n) { return Time::milliseconds(n); }

SwitchedExchange layer() {
  SwitchedExchange times;
  times.dispatch = times.combine = ms(4);
  times.present_dispatch = times.present_combine = ms(6);
  times.moving_dispatch = ms(5);
  return times;
}

Time total(Reconfiguration policy, Time delay, const SwitchedExchange& times = layer()) {
  return forward_cost(policy, delay, times, ms(10), ms(20)).total();
}

TEST(SwitchPolicy, WhatEachOneWaitsFor) {
  EXPECT_EQ(total(Reconfiguration::kBlock, ms(25)), ms(8 + 25));
  EXPECT_EQ(total(Reconfiguration::kHidden, ms(25)), ms(8));
  EXPECT_EQ(total(Reconfiguration::kOracle, ms(25)), ms(8 + 15));    // 10 ms of attention
  EXPECT_EQ(total(Reconfiguration::kReuse, ms(25)), ms(6 + 4 + 5));  // 20 ms of experts
  EXPECT_EQ(total(Reconfiguration::kReuse, ms(15)), ms(6 + 4));
}

TEST(SwitchPolicy, HitlessTakesWhatIsOverFirst) {
  EXPECT_EQ(total(Reconfiguration::kHitless, ms(25)), ms(9)) << "moves at once";
  SwitchedExchange times = layer();
  times.moving_dispatch = Time::max();
  EXPECT_EQ(total(Reconfiguration::kHitless, ms(25), times), ms(12)) << "nothing moves";
  EXPECT_EQ(total(Reconfiguration::kHitless, ms(15), times), ms(10)) << "moves beneath the experts";
  times.present_dispatch = times.present_combine = ms(100);
  EXPECT_EQ(total(Reconfiguration::kHitless, ms(25), times), ms(33)) << "waits";
}

TEST(SwitchPolicy, NothingToChangeNothingToWaitFor) {
  SwitchedExchange times = layer();
  times.changes = false;
  for (const Reconfiguration policy : {Reconfiguration::kReuse, Reconfiguration::kOracle,
                                       Reconfiguration::kHitless, Reconfiguration::kHidden}) {
    EXPECT_EQ(total(policy, ms(25), times), ms(8));
  }
}

TEST(SwitchPolicy, HitlessIsNeverSlowerThanBlock) {
  Random random(1);
  const auto draw = [&] { return Time{static_cast<std::int64_t>(random.below(30'000'000'000))}; };
  for (int round = 0; round < 10'000; ++round) {
    SwitchedExchange times = {draw(), draw(), draw(), draw(), draw(), random.below(2) == 0};
    const Time delay = draw();
    const Time attention = draw();
    const Time experts = draw();
    const auto cost = [&](Reconfiguration policy) {
      return forward_cost(policy, delay, times, attention, experts).total();
    };
    EXPECT_LE(cost(Reconfiguration::kHitless), cost(Reconfiguration::kBlock));
    EXPECT_LE(cost(Reconfiguration::kHitless), cost(Reconfiguration::kReuse));
    EXPECT_LE(cost(Reconfiguration::kHidden), cost(Reconfiguration::kOracle));
  }
}

}  // namespace
}  // namespace mixnet
