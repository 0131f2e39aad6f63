#include "emulator/switch_timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/random.h"

namespace mixnet {
namespace {

std::vector<double> draws_ms(const SwitchTiming& timing, int pairs, int count) {
  std::vector<double> draws;
  for (int i = 0; i < count; ++i) {
    const Duration drawn = timing.draw(pairs, false, derive_seed(7, pairs, i));
    draws.push_back(static_cast<double>(drawn.ns) / 1e6);
  }
  std::ranges::sort(draws);
  return draws;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void expect_drawn(const SwitchTiming& timing, int pairs, double mean_ms, double p99_ms) {
  const std::vector<double> draws = draws_ms(timing, pairs, 20'000);
  EXPECT_NEAR(mean(draws), mean_ms, 0.005 * mean_ms) << pairs;
  EXPECT_NEAR(draws[19'800], p99_ms, 0.015 * p99_ms) << pairs;
}

std::string error_of(std::string_view text) {
  FakeEnv env;
  try {
    SwitchTiming::parse(text, "--timing", env);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string table_error(std::string_view csv) {
  try {
    SwitchTiming::of_table(csv, "t.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SwitchTiming, PolatisTakesWhatWasMeasured) {
  const SwitchTiming timing = SwitchTiming::parse("polatis", "--timing");
  expect_drawn(timing, 1, 41.44, 60);
  expect_drawn(timing, 4, 42.44, 62);
  expect_drawn(timing, 16, 46.75, 68);
}

TEST(SwitchTiming, IsLinearBetweenTheRowsAndBeyond) {
  const SwitchTiming timing = SwitchTiming::parse("polatis", "--timing");
  expect_drawn(timing, 10, 42.44 + 4.31 / 2, 65);
  expect_drawn(timing, 28, 46.75 + 4.31, 74);
}

TEST(SwitchTiming, TheSameStreamDrawsTheSame) {
  const SwitchTiming timing = SwitchTiming::parse("polatis", "--timing");
  EXPECT_EQ(timing.draw(3, false, 9), timing.draw(3, false, 9));
  EXPECT_NE(timing.draw(3, false, 9), timing.draw(3, false, 10));
}

TEST(SwitchTiming, NoneAndFixedDoNotDraw) {
  EXPECT_TRUE(SwitchTiming::parse("none", "--timing").is_none());
  EXPECT_EQ(SwitchTiming().draw(4, false, 1), Duration());
  const SwitchTiming fixed = SwitchTiming::parse("fixed:25ms", "--timing");
  EXPECT_FALSE(fixed.is_none());
  EXPECT_EQ(fixed.draw(1, false, 1), Duration::milliseconds(25));
  EXPECT_EQ(fixed.draw(99, false, 2), Duration::milliseconds(25));
}

TEST(SwitchTiming, OnlyADeviceThatAllowsTheBypassIsFastByIt) {
  const SwitchTiming validated = SwitchTiming::parse("sonic:5s", "--timing");
  EXPECT_FALSE(validated.allows_bypass());
  EXPECT_EQ(validated.draw(1, true, 1), Duration::seconds(5));

  const SwitchTiming bypass = SwitchTiming::parse("sonic-bypass:70ms", "--timing");
  EXPECT_TRUE(bypass.allows_bypass());
  EXPECT_EQ(bypass.draw(1, true, 1), Duration::milliseconds(70));
  EXPECT_EQ(bypass.draw(1, false, 1), Duration::seconds(5));
}

TEST(SwitchTiming, WhatIsCheckedFirstMovesLate) {
  const SwitchTiming sonic = SwitchTiming::parse("sonic-bypass:70ms", "--timing");
  EXPECT_EQ(sonic.before_moving(true), Duration::milliseconds(45));
  EXPECT_EQ(sonic.before_moving(false), Duration::milliseconds(4'975));
  EXPECT_EQ(SwitchTiming::parse("sonic:10ms", "--timing").before_moving(false), Duration::zero());
  EXPECT_EQ(SwitchTiming::parse("fixed:70ms", "--timing").before_moving(true), Duration::zero());
}

TEST(SwitchTiming, IsReadFromAFile) {
  FakeEnv env;
  ASSERT_FALSE(env.write("my.csv", "pairs,mean_ms,p99_ms\n# ours\n2,10,10\n4,20,20\n"));
  const SwitchTiming timing = SwitchTiming::parse("my.csv", "--timing", env);
  EXPECT_EQ(timing.draw(1, false, 1), Duration::milliseconds(10));  // below the first row
  EXPECT_NEAR(static_cast<double>(timing.draw(3, false, 1).ns), 15e6, 2);
  EXPECT_NEAR(static_cast<double>(timing.draw(6, false, 1).ns), 30e6, 2);
}

TEST(SwitchTiming, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("polatiss"),
            "--timing: unknown timing 'polatiss'; did you mean 'polatis'? known: polatis, none, "
            "fixed:25ms, sonic:5s, sonic-bypass:70ms");
  EXPECT_NE(error_of("fixed:25"), "");
  EXPECT_NE(error_of("fixed:4000s").find("at most 1 h"), std::string::npos);
  EXPECT_NE(error_of("none.csv").find("none.csv"), std::string::npos);

  EXPECT_NE(table_error("pairs,mean_ms\n1,2\n").find("p99_ms"), std::string::npos);
  EXPECT_EQ(table_error("pairs,mean_ms,p99_ms\n1,10,160\n"),
            "t.csv:2 (column 'p99_ms'): p99 160 of a mean of 10; 1 to 14.9 times the mean");
  EXPECT_NE(table_error("pairs,mean_ms,p99_ms\n1,10,9\n"), "");
  EXPECT_NE(table_error("pairs,mean_ms,p99_ms\n0,10,11\n"), "");
  EXPECT_NE(table_error("pairs,mean_ms,p99_ms\n1,10,20\n1,11,20\n").find("t.csv:3"),
            std::string::npos);
  EXPECT_NE(table_error("pairs,mean_ms,p99_ms\n1,10,20\n2,9,20\n"), "");
  EXPECT_NE(table_error("pairs,mean_ms,p99_ms\n1,10,20\n2,11,19\n"), "");
}

}  // namespace
}  // namespace mixnet
