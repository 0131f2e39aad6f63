#include "policy/expected_exchange.h"

#include <gtest/gtest.h>

#include "circuits/balanced_time.h"

namespace mixnet {
namespace {

/// Three servers; 0 and 1 exchange 12.5 MB each way.
struct Three {
  Three() { demand(0, 1) = demand(1, 0) = 12'500'000; }
  static CircuitCounts joined(int a, int b, int circuits) {
    CircuitCounts counts(3, 3);
    counts(a, b) = counts(b, a) = circuits;
    return counts;
  }
  ServerDemand demand = ServerDemand(3, 3);
  RegionRates rates = {Bandwidth::gbps(100), {1, 1, 1}};  // 12.5 MB take 1 ms
};

TEST(ExpectedExchange, ByCircuitsAndEpsAtOnce) {
  const Three three;
  const CircuitCounts none(3, 3);
  EXPECT_EQ(expected_time(three.demand, none, three.rates), Time::milliseconds(1));
  EXPECT_EQ(expected_time(three.demand, Three::joined(0, 1, 1), three.rates),
            Time::microseconds(500));
  EXPECT_EQ(expected_time(three.demand, Three::joined(0, 1, 3), three.rates),
            Time::microseconds(250));
}

TEST(ExpectedExchange, ServersWithoutEpsGoByNeighbours) {
  Three three;
  three.rates.eps = {0, 1, 1};
  EXPECT_EQ(expected_time(three.demand, CircuitCounts(3, 3), three.rates), Time::max());
  // From 0 over the circuit to 2, and on from there by EPS.
  EXPECT_EQ(expected_time(three.demand, Three::joined(0, 2, 1), three.rates),
            Time::milliseconds(1));
}

TEST(ExpectedExchange, NothingMovesWhereWhatIsWantedIsLit) {
  const Three three;
  const CircuitCounts lit = Three::joined(0, 1, 1);
  const SwitchedExchange times =
      expected_exchange(three.demand, lit, lit, three.rates, Time::milliseconds(25));
  EXPECT_FALSE(times.changes);
  EXPECT_EQ(times.dispatch, Time::microseconds(500));
  EXPECT_EQ(times.combine, times.dispatch);
  EXPECT_EQ(times.present_dispatch, times.dispatch);
  EXPECT_EQ(times.moving_dispatch, times.dispatch);
}

TEST(ExpectedExchange, WhileCircuitsMoveTheEpsBegins) {
  const Three three;
  const CircuitCounts wanted = Three::joined(0, 1, 1);
  const CircuitCounts lit = Three::joined(0, 2, 1);
  // EPS from the start, the circuit from 0.2 ms on: T + (T - 0.2) = 1.
  const SwitchedExchange soon =
      expected_exchange(three.demand, wanted, lit, three.rates, Time::microseconds(200));
  EXPECT_TRUE(soon.changes);
  EXPECT_EQ(soon.present_dispatch, Time::milliseconds(1));
  EXPECT_EQ(soon.moving_dispatch, Time::microseconds(600));
  // A switch slower than the EPS is of no use.
  const SwitchedExchange late =
      expected_exchange(three.demand, wanted, lit, three.rates, Time::milliseconds(25));
  EXPECT_EQ(late.moving_dispatch, Time::milliseconds(1));
}

TEST(Rewire, IsWhatAPolicyAsksOfTheSwitch) {
  const Three three;
  const CircuitCounts wanted = Three::joined(0, 1, 2);
  const CircuitCounts lit = Three::joined(0, 2, 1);
  const auto asked = [&](Reconfiguration policy, Time delay, Time experts) {
    const SwitchedExchange times = expected_exchange(three.demand, wanted, lit, three.rates, delay);
    return rewire(forward_cost(policy, delay, times, Time::zero(), experts).moves);
  };
  const Time soon = Time::microseconds(10);
  const Time late = Time::milliseconds(25);
  EXPECT_EQ(asked(Reconfiguration::kBlock, late, Time::zero()), Rewire::kNow);
  EXPECT_EQ(asked(Reconfiguration::kReuse, soon, Time::zero()), Rewire::kBehindDispatch);
  EXPECT_EQ(asked(Reconfiguration::kHitless, soon, Time::zero()), Rewire::kDuring);
  EXPECT_EQ(asked(Reconfiguration::kHitless, late, Time::zero()), Rewire::kNot);
  EXPECT_EQ(asked(Reconfiguration::kHitless, late, late), Rewire::kBehindDispatch);
}

}  // namespace
}  // namespace mixnet
