#include "policy/switch_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

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

/// What Copilot expects of layer(), and what comes of the circuits for it.
SwitchedExchange foreseen() {
  SwitchedExchange times = layer();
  times.forecast = {ms(4), ms(6), ms(20), false};
  times.predicted_dispatch = times.predicted_combine = ms(5);
  return times;
}

TEST(SwitchPolicy, CopilotMovesBeforeTheGateWhereItExpectsToGain) {
  // 10 ms of attention hide the delay: 8 ms against 6 + 4, corrected beneath 20 ms of experts.
  const SwitchForecast forecast = foreseen().forecast;
  EXPECT_TRUE(moves_before_gate(ms(10), forecast, ms(10)));
  EXPECT_TRUE(moves_before_gate(ms(11), forecast, ms(10)));
  EXPECT_FALSE(moves_before_gate(ms(12), forecast, ms(10))) << "no gain is no reason";
  EXPECT_FALSE(moves_before_gate(ms(25), forecast, ms(10)));
  SwitchForecast lit = forecast;
  lit.is_present = true;
  EXPECT_FALSE(moves_before_gate(ms(1), lit, ms(10)));
}

TEST(SwitchPolicy, CopilotThenDoesWhatIsOverFirst) {
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(10), foreseen()), ms(5 + 4)) << "corrected";
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(11), foreseen()), ms(5 + 4 + 1)) << "late by 1";
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(25), foreseen()), ms(12)) << "never moved";
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(12), foreseen()), ms(6 + 4)) << "as reuse";
  SwitchedExchange times = foreseen();
  times.predicted_is_wanted = true;  // the forecast was right
  times.predicted_dispatch = times.predicted_combine = ms(4);
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(10), times), ms(8));
  times.predicted_is_wanted = false;  // it was wrong, so wrong that waiting is better
  times.predicted_dispatch = ms(100);
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(10), times), ms(8 + 10));
}

TEST(SwitchPolicy, WhatCopilotDoesBeforeTheGateDependsOnTheForecastAlone) {
  // Moved or not shows in what a wait beyond attention adds; the real times may be anything.
  Random random(2);
  const auto draw = [&] { return Time{static_cast<std::int64_t>(random.below(30'000'000'000))}; };
  for (int round = 0; round < 10'000; ++round) {
    const Time delay = draw();
    const Time attention = draw();
    const SwitchForecast forecast = {draw(), draw(), draw(), random.below(4) == 0};
    const bool moves = moves_before_gate(delay, forecast, attention);
    SwitchedExchange times = {draw(), draw(), draw(), draw(), Time::max(), true};
    times.forecast = forecast;
    // Whichever circuits are lit then are the wanted ones.
    times.predicted_is_wanted = moves;
    times.changes = moves;
    const SwitchCost cost =
        forward_cost(Reconfiguration::kCopilot, delay, times, attention, draw());
    EXPECT_EQ(cost.wait, moves ? std::max(Time::zero(), delay - attention) : Time::zero());
    EXPECT_EQ(cost.exchange, times.dispatch + times.combine);
  }
}

TEST(SwitchPolicy, CopilotIsSlowerThanBlockByAWaitBeforeTheGateAtMost) {
  Random random(3);
  const auto draw = [&] { return Time{static_cast<std::int64_t>(random.below(30'000'000'000))}; };
  int moved = 0;
  for (int round = 0; round < 10'000; ++round) {
    SwitchedExchange times = {draw(), draw(), draw(), draw(), draw(), random.below(2) == 0};
    times.predicted_dispatch = draw();
    times.predicted_combine = draw();
    times.predicted_is_wanted = random.below(2) == 0;
    times.forecast = {draw(), draw(), draw(), random.below(4) == 0};
    const Time delay = draw();
    const Time attention = draw();
    const Time experts = draw();
    const auto cost = [&](Reconfiguration policy) {
      return forward_cost(policy, delay, times, attention, experts).total();
    };
    const Time copilot = cost(Reconfiguration::kCopilot);
    if (moves_before_gate(delay, times.forecast, attention)) {
      ++moved;
      EXPECT_LE(copilot, cost(Reconfiguration::kBlock) + std::max(Time::zero(), delay - attention));
    } else {
      EXPECT_LE(copilot, cost(Reconfiguration::kBlock));
      EXPECT_LE(copilot, cost(Reconfiguration::kReuse));
    }
  }
  EXPECT_GT(moved, 1000);
  EXPECT_LT(moved, 9000);
}

TEST(SwitchPolicy, NothingToChangeNothingToWaitFor) {
  SwitchedExchange times = layer();
  times.changes = false;
  for (const Reconfiguration policy :
       {Reconfiguration::kReuse, Reconfiguration::kCopilot, Reconfiguration::kOracle,
        Reconfiguration::kHitless, Reconfiguration::kHidden}) {
    EXPECT_EQ(total(policy, ms(25), times), ms(8));
  }
}

TEST(SwitchPolicy, BackwardWaitsForWhatItsComputationDoesNotHide) {
  const auto both = [](Reconfiguration policy, Time delay, bool changes) {
    SwitchedExchange times = layer();
    times.changes = changes;
    if (!changes) times.present_dispatch = times.present_combine = ms(4);
    return backward_cost(policy, delay, times, ms(20)).total();
  };
  for (const Reconfiguration policy :
       {Reconfiguration::kBlock, Reconfiguration::kReuse, Reconfiguration::kCopilot,
        Reconfiguration::kOracle, Reconfiguration::kHitless, Reconfiguration::kHidden}) {
    const bool may_stay =
        policy == Reconfiguration::kHitless || policy == Reconfiguration::kCopilot;
    const bool never_waits = policy == Reconfiguration::kHidden;
    EXPECT_EQ(both(policy, ms(20), true), ms(8));
    EXPECT_EQ(both(policy, ms(23), true), never_waits ? ms(8) : ms(11));
    EXPECT_EQ(both(policy, ms(30), true), never_waits ? ms(8) : may_stay ? ms(12) : ms(18));
    EXPECT_EQ(both(policy, ms(30), false), policy == Reconfiguration::kBlock ? ms(18) : ms(8));
  }
}

TEST(SwitchPolicy, CopilotMayWaitInVainWhereItsForecastWasWrong) {
  SwitchedExchange times = foreseen();
  times.changes = false;  // what was lit would have been right
  times.present_dispatch = times.present_combine = ms(4);
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(11), times), ms(5 + 4 + 1)) << "there and back";
  EXPECT_EQ(total(Reconfiguration::kCopilot, ms(12), times), ms(8)) << "expected no gain";
}

TEST(SwitchPolicy, BackwardIsNeverSlowerThanWithBlock) {
  Random random(4);
  const auto draw = [&] { return Time{static_cast<std::int64_t>(random.below(30'000'000'000))}; };
  int stayed = 0;
  for (int round = 0; round < 10'000; ++round) {
    const SwitchedExchange times = {draw(), draw(), draw(), draw(), draw(), random.below(2) == 0};
    const Time delay = draw();
    const Time hiding = draw();
    const auto cost = [&](Reconfiguration policy) {
      return backward_cost(policy, delay, times, hiding).total();
    };
    const Time block = cost(Reconfiguration::kBlock);
    const Time stays = times.present_dispatch + times.present_combine;
    const Time moves = cost(Reconfiguration::kOracle);
    EXPECT_EQ(cost(Reconfiguration::kReuse), moves);
    EXPECT_LE(moves, block);
    for (const Reconfiguration policy : {Reconfiguration::kHitless, Reconfiguration::kCopilot}) {
      EXPECT_EQ(cost(policy), std::min(moves, stays));
    }
    EXPECT_EQ(cost(Reconfiguration::kHidden), times.dispatch + times.combine);
    stayed += stays < moves ? 1 : 0;
  }
  EXPECT_GT(stayed, 1000);
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

TEST(SwitchPolicy, MovesSayWhatACostIsMadeOf) {
  Random random(7);
  const auto some = [&] {
    return Time::microseconds(static_cast<std::int64_t>(random.below(30'000)));
  };
  for (int round = 0; round < 20'000; ++round) {
    SwitchedExchange times = {some(), some(), some(), some(), some(), random.below(4) > 0};
    times.predicted_dispatch = some();
    times.predicted_combine = some();
    times.predicted_is_wanted = random.below(2) == 0;
    times.forecast = {some(), some(), some(), random.below(2) == 0};
    const Time delay = some();
    const Time attention = some();
    const Time experts = some();
    const auto dispatch = [&](LitCircuits over) {
      return over == LitCircuits::kPresent     ? times.present_dispatch
             : over == LitCircuits::kPredicted ? times.predicted_dispatch
             : over == LitCircuits::kMoving    ? times.moving_dispatch
                                               : times.dispatch;
    };
    const auto combine = [&](LitCircuits over) {
      return over == LitCircuits::kPresent     ? times.present_combine
             : over == LitCircuits::kPredicted ? times.predicted_combine
                                               : times.combine;
    };
    for (const Reconfiguration policy :
         {Reconfiguration::kBlock, Reconfiguration::kReuse, Reconfiguration::kCopilot,
          Reconfiguration::kOracle, Reconfiguration::kHitless, Reconfiguration::kHidden}) {
      const SwitchCost cost = forward_cost(policy, delay, times, attention, experts);
      const SwitchMoves& moves = cost.moves;
      Time wait;
      if (moves.beneath_attention) wait += beyond(delay, attention);
      if (moves.after_gate) wait += delay;
      if (moves.beneath_experts) wait += beyond(delay, experts);
      if (moves.during_dispatch) wait += beyond(delay, times.moving_dispatch + experts);
      EXPECT_EQ(cost.wait, wait);
      EXPECT_EQ(cost.exchange, dispatch(moves.dispatch_over) + combine(moves.combine_over));
      EXPECT_FALSE(moves.beneath_backward);

      const SwitchCost backward = backward_cost(policy, delay, times, experts);
      EXPECT_EQ(backward.wait,
                backward.moves.beneath_backward ? beyond(delay, experts) : Time::zero());
      EXPECT_EQ(backward.exchange,
                dispatch(backward.moves.dispatch_over) + combine(backward.moves.combine_over));
    }
  }
}

}  // namespace
}  // namespace mixnet
