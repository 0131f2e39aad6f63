#include "base/progress.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/fake_env.h"

namespace mixnet {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr auto kError = Env::Stream::kError;
const std::string kWipe = "\r\033[K";

/// "label [=====          ] rest" with `filled` of `width`.
std::string drawn(const std::string& label, std::size_t filled, std::size_t width,
                  const std::string& rest) {
  return kWipe + label + " [" + std::string(filled, '=') + std::string(width - filled, ' ') + "] " +
         rest;
}

class ProgressBarTest : public ::testing::Test {
 protected:
  ProgressBarTest() { env_.put_terminal(kError, 80); }
  std::string printed() { return env_.take_printed(kError); }

  FakeEnv env_;
};

TEST_F(ProgressBarTest, IsDrawnAfterTwoSecondsAndWipedInTheEnd) {
  {
    ProgressBar bar("simulating", 10, env_);
    bar.advance();
    env_.advance(milliseconds(1999));
    bar.advance();
    EXPECT_EQ(printed(), "");
    env_.advance(milliseconds(1));
    bar.advance();
    EXPECT_EQ(printed(), drawn("simulating", 9, 30, " 30 %, 5 s left"));
    env_.advance(seconds(598));
    bar.advance(4);
    EXPECT_EQ(printed(), drawn("simulating", 21, 30, " 70 %, 4 min 17 s left"));
    env_.advance(seconds(1));
    bar.advance(5);  // more than there was to do
    EXPECT_EQ(printed(), drawn("simulating", 30, 30, "100 %, 0 s left"));
  }
  EXPECT_EQ(printed(), kWipe);
}

TEST_F(ProgressBarTest, WhatEndsSoonLeavesNothing) {
  {
    ProgressBar bar("simulating", 2, env_);
    env_.advance(milliseconds(1999));
    bar.advance(2);
  }
  EXPECT_EQ(printed(), "");
}

TEST_F(ProgressBarTest, IsRedrawnAtMostTenTimesASecond) {
  ProgressBar bar("simulating", 100'000, env_);
  env_.advance(seconds(2));
  int draws = 0;
  for (int step = 0; step < 3000; ++step) {  // three seconds
    bar.advance();
    draws += printed().empty() ? 0 : 1;
    env_.advance(milliseconds(1));
  }
  EXPECT_EQ(draws, 30);
}

TEST_F(ProgressBarTest, IsSilentWhereNobodyWatches) {
  FakeEnv file;
  file.put_terminal(Env::Stream::kOut);  // only standard error counts
  ProgressBar bar("simulating", 3, file);
  file.advance(hours(1));
  bar.advance();
  EXPECT_EQ(file.take_printed(kError), "");
  EXPECT_EQ(file.take_printed(Env::Stream::kOut), "");
}

TEST_F(ProgressBarTest, OnlyTheFirstOfSeveralIsDrawn) {
  std::optional<ProgressBar> whole(std::in_place, "whole", 2, env_);
  {
    ProgressBar part("part", 2, env_);
    env_.advance(seconds(3));
    part.advance();
    EXPECT_EQ(printed(), "");
    whole->advance();
    EXPECT_EQ(printed(), drawn("whole", 15, 30, " 50 %, 3 s left"));
  }
  EXPECT_EQ(printed(), "") << "a part does not wipe the whole";
  whole.reset();
  EXPECT_EQ(printed(), kWipe);
  ProgressBar next("next", 1, env_);
  env_.advance(seconds(2));
  next.advance();
  EXPECT_EQ(printed(), drawn("next", 30, 30, "100 %, 0 s left"));
}

TEST_F(ProgressBarTest, NothingToDoIsDone) {
  ProgressBar bar("empty", 0, env_);
  env_.advance(seconds(2));
  bar.advance(0);
  EXPECT_EQ(printed(), drawn("empty", 0, 30, "  0 %, 0 s left"));
  env_.advance(seconds(2));
  bar.advance();
  EXPECT_EQ(printed(), drawn("empty", 30, 30, "100 %, 0 s left"));
}

TEST_F(ProgressBarTest, IsOneLineOnEveryTerminal) {
  const std::string label = "packets on rail-optimized";
  for (const int width : {1, 2, 10, 30, 40, 50, 60, 70, 80, 200}) {
    FakeEnv env;
    env.put_terminal(kError, width);
    ProgressBar bar(label, 2, env);
    env.advance(seconds(7));
    bar.advance();
    const std::string line = env.take_printed(kError).substr(kWipe.size());
    EXPECT_LT(line.size(), static_cast<std::size_t>(width)) << "the last column stays free";
    if (width >= 80) {
      EXPECT_EQ(kWipe + line, drawn(label, 15, 30, " 50 %, 7 s left"));
    } else if (width == 60) {
      EXPECT_EQ(kWipe + line, drawn(label, 7, 15, " 50 %, 7 s left"));
    } else if (width == 40) {
      EXPECT_EQ(kWipe + line, drawn("packets on", 5, 10, " 50 %, 7 s left"));
    }
  }
}

TEST_F(ProgressBarTest, ALabelLongerThanTheTerminalIsCut) {
  ProgressBar bar(std::string(500, 'x'), 4, env_);
  env_.advance(seconds(3));
  bar.advance();
  const std::string line = drawn(std::string(50, 'x'), 2, 10, " 25 %, 9 s left");
  EXPECT_EQ(line.size(), kWipe.size() + 79);
  EXPECT_EQ(printed(), line);
}

TEST_F(ProgressBarTest, ATerminalOfUnknownWidthIsWideEnough) {
  env_.put_terminal(kError, 0);
  ProgressBar bar(std::string(100, 'x'), 2, env_);
  env_.advance(seconds(3));
  bar.advance();
  EXPECT_EQ(printed(), drawn(std::string(100, 'x'), 15, 30, " 50 %, 3 s left"));
}

TEST_F(ProgressBarTest, StepsOfTheWallClockAreNotSeen) {
  ProgressBar bar("simulating", 100, env_);
  env_.step_wall_clock(hours(24 * 365));
  bar.advance();
  EXPECT_EQ(printed(), "") << "two seconds have not passed";
  env_.advance(seconds(2));
  env_.step_wall_clock(-hours(24 * 365));
  bar.advance();
  EXPECT_EQ(printed(), drawn("simulating", 0, 30, "  2 %, 1 min 38 s left"));
  env_.step_wall_clock(-hours(1));
  env_.advance(milliseconds(100));
  bar.advance();
  EXPECT_EQ(printed(), drawn("simulating", 0, 30, "  3 %, 1 min 8 s left"));
}

TEST_F(ProgressBarTest, AMachineThatSleptForAYearIsNoTrouble) {
  ProgressBar bar("simulating", 1'000'000'000, env_);
  env_.advance(hours(24 * 365));
  bar.advance();
  const std::string line = printed();
  EXPECT_EQ(line.substr(0, line.find(']') + 1),
            kWipe + "simulating [" + std::string(30, ' ') + "]");
  EXPECT_LT(line.size(), kWipe.size() + 80);
}

TEST_F(ProgressBarTest, ATerminalThatIsGoneDoesNotEndTheWork) {
  ProgressBar bar("simulating", 2, env_);
  env_.fail_print(std::errc::io_error);
  env_.advance(seconds(3));
  EXPECT_NO_THROW(bar.advance());
}

TEST(RoughDuration, SaysRoughlyHowLongItTakes) {
  EXPECT_EQ(rough_duration(0), "0 s");
  EXPECT_EQ(rough_duration(59.4), "59 s");
  EXPECT_EQ(rough_duration(59.6), "1 min 0 s");
  EXPECT_EQ(rough_duration(3599), "59 min 59 s");
  EXPECT_EQ(rough_duration(36'330), "10 h 5 min");
  EXPECT_EQ(rough_duration(-1), "0 s");
}

}  // namespace
}  // namespace mixnet
