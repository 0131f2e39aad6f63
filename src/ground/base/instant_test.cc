#include "base/instant.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

constexpr Instant kNow = Instant::unix_seconds(1'795'766'400);  // 2026-11-27

TEST(Instant, TheTimeBetweenTwoIsADuration) {
  const Instant later = kNow + Duration::hours(2);
  EXPECT_EQ(later - kNow, Duration::seconds(7200));
  EXPECT_EQ(kNow - later, Duration::zero() - Duration::hours(2));
  EXPECT_LT(kNow, later);
  EXPECT_EQ(later - Duration::hours(2), kNow);
}

TEST(Instant, LastsForCenturies) {
  EXPECT_EQ(kNow + Duration::days(365) * 100 - kNow, Duration::days(36'500));
  EXPECT_GT(Instant::latest(), kNow + Duration::days(365 * 235));
}

TEST(Instant, StopsAtTheEndsOfTheRange) {
  EXPECT_EQ(Instant::latest() + Duration::seconds(1), Instant::latest());
  EXPECT_EQ(Instant::earliest() - Duration::days(1), Instant::earliest());
  EXPECT_EQ(Instant::latest() - Instant::earliest(), Duration::max());
  EXPECT_EQ(Instant::earliest() - Instant::latest(), Duration::zero() - Duration::max());
  EXPECT_EQ(Duration::max() + Duration::nanoseconds(1), Duration::max());
  EXPECT_EQ(Duration::days(INT64_MAX), Duration::max());
  EXPECT_EQ(Duration::seconds(INT64_MIN), Duration::zero() - Duration::max());
  EXPECT_EQ(Instant::unix_seconds(INT64_MAX), Instant::latest());
}

TEST(Instant, SimulatedTimeComesIn) {
  EXPECT_EQ(Duration::of(Time::milliseconds(25)), Duration::milliseconds(25));
  EXPECT_EQ(Duration::of(Time::picoseconds(1)), Duration::nanoseconds(1)) << "not early";
  EXPECT_EQ(Duration::of(Time::picoseconds(-1)), Duration::zero());
  EXPECT_EQ(Duration::of(Time::max()), Duration::max());
  EXPECT_EQ(Duration::milliseconds(25).to_time(), Time::milliseconds(25));
  EXPECT_EQ(Duration::days(200).to_time(), Time::max()) << "for ever, not a wrapped time";
}

}  // namespace
}  // namespace mixnet
