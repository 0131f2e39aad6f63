#include "region/region_clock.h"

#include <gtest/gtest.h>

#include "region/region_snapshot.h"

namespace mixnet {
namespace {

constexpr Instant kStart = Instant::unix_seconds(1'795'766'400);  // 2026-11-27

/// Waits for an audit in 10 s, and holds two ports, for 25 s and for a day.
class RegionClockTest : public ::testing::Test {
 protected:
  RegionClockTest() {
    RegionConfig config;
    config.servers = 2;
    config.optical_nics = 1;
    state_ = RegionState::fresh(config);
    pass_time(state_, kStart);
    state_.next_audit = Duration::seconds(10);
    state_.suspicion[0] = {Duration::seconds(25), 1};
    state_.suspicion[1] = {Duration::days(1), 1};
  }

  RegionState state_;
};

TEST_F(RegionClockTest, TheStopwatchBeginsWithTheFirstEvent) {
  EXPECT_EQ(state_.elapsed, Duration::zero());
  EXPECT_EQ(due_in(state_), Duration::seconds(10));
}

TEST_F(RegionClockTest, ItGoesWithTheClock) {
  pass_time(state_, kStart + Duration::seconds(4));
  EXPECT_EQ(due_in(state_), Duration::seconds(6));
  pass_time(state_, kStart + Duration::seconds(10));
  EXPECT_EQ(due_in(state_), Duration::zero());
}

TEST_F(RegionClockTest, AnEventThatComesLateFiresAllThatIsDue) {
  pass_time(state_, kStart + Duration::seconds(70));
  EXPECT_EQ(state_.elapsed, Duration::seconds(70));
}

TEST_F(RegionClockTest, AClockSetForwardFiresTheEarliestDeadlineAndNoOther) {
  pass_time(state_, kStart + Duration::days(1));
  EXPECT_EQ(state_.elapsed, Duration::seconds(10));
  state_.next_audit = Duration::max();
  EXPECT_EQ(due_in(state_), Duration::seconds(15)) << "as far behind the first as before";
  pass_time(state_, kStart + Duration::days(1) + Duration::seconds(15));
  EXPECT_EQ(due_in(state_), Duration::zero());
}

TEST_F(RegionClockTest, AClockSetBackKeepsDeadlinesWaitingNoLonger) {
  const Instant set = kStart - Duration::hours(1);
  pass_time(state_, set);
  EXPECT_EQ(due_in(state_), Duration::seconds(10));
  pass_time(state_, set + Duration::seconds(10));
  EXPECT_EQ(due_in(state_), Duration::zero());
}

TEST_F(RegionClockTest, ARestartYearsLaterFiresEachOnce) {
  resume(state_, kStart + Duration::days(5 * 365));
  EXPECT_GT(state_.elapsed, Duration::days(1)) << "all are due";
  const Duration then = state_.elapsed;
  pass_time(state_, kStart + Duration::days(5 * 365) + Duration::seconds(1));
  EXPECT_EQ(state_.elapsed, then + Duration::seconds(1)) << "and time goes on from here";
}

TEST_F(RegionClockTest, ARestartWithAClockSetBackFiresNothing) {
  resume(state_, kStart - Duration::days(365));
  EXPECT_EQ(due_in(state_), Duration::seconds(10));
}

TEST_F(RegionClockTest, NothingWrapsAtTheEndsOfTheClock) {
  for (int turn = 0; turn < 10; ++turn) {
    const Duration before = state_.elapsed;
    pass_time(state_, Instant::latest());
    pass_time(state_, Instant::earliest());
    EXPECT_GE(state_.elapsed, before);
    EXPECT_LE(state_.elapsed, Duration::days(1));
  }
}

TEST_F(RegionClockTest, TheStopwatchLastsForCenturiesAndThenStandsStill) {
  state_.elapsed = kMostElapsed - Duration::seconds(1);
  state_.next_audit = kMostElapsed + Duration::seconds(1);
  state_.suspicion = {{}, {}};
  for (int second = 1; second < 10; ++second) {
    pass_time(state_, kStart + Duration::seconds(second));
    EXPECT_EQ(state_.elapsed, kMostElapsed);
    EXPECT_EQ(due_in(state_), Duration::seconds(1)) << "not always due";
  }
  EXPECT_EQ(read_snapshot(write_snapshot(state_), "s"), state_);
}

}  // namespace
}  // namespace mixnet
