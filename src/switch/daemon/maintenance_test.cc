#include "daemon/maintenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

// 2026-11-29 is a Sunday.
constexpr Instant kSunday = Instant::unix_seconds(1'795'910'400);

MaintenanceWindow window(std::string_view text) { return parse_maintenance(text, "region.yaml:3"); }

bool held(std::string_view text, Instant now) {
  const MaintenanceWindow one = window(text);
  return maintenance_at({&one, 1}, now).held;
}

TEST(Maintenance, ComesEveryWeek) {
  const std::string_view text = "Sun 02:00-04:00 UTC";
  EXPECT_FALSE(held(text, kSunday));
  EXPECT_TRUE(held(text, kSunday + Duration::hours(2)));
  EXPECT_TRUE(held(text, kSunday + Duration::hours(4) - Duration::nanoseconds(1)));
  EXPECT_FALSE(held(text, kSunday + Duration::hours(4)));
  EXPECT_TRUE(held(text, kSunday + Duration::days(7) + Duration::hours(3)));
  EXPECT_TRUE(held(text, kSunday - Duration::days(700) + Duration::hours(3)));
  EXPECT_FALSE(held(text, kSunday + Duration::days(1) + Duration::hours(3)));
}

TEST(Maintenance, MayPassMidnightAndTheWeeksEnd) {
  const std::string_view text = "sun 23:00-01:30 utc";
  EXPECT_TRUE(held(text, kSunday + Duration::hours(23)));
  EXPECT_TRUE(held(text, kSunday + Duration::hours(25)));
  EXPECT_FALSE(held(text, kSunday + Duration::hours(26)));
  EXPECT_FALSE(held(text, kSunday));
  EXPECT_TRUE(held("Mon 00:00-24:00 UTC", kSunday + Duration::hours(47)));
}

TEST(Maintenance, ComesOnce) {
  const std::string_view text = "2026-12-24 00:00 / 2026-12-27 06:30 UTC";
  const Instant begin = kSunday + Duration::days(25);
  EXPECT_FALSE(held(text, begin - Duration::nanoseconds(1)));
  EXPECT_TRUE(held(text, begin));
  EXPECT_TRUE(held(text, begin + Duration::days(3) + Duration::hours(6)));
  EXPECT_FALSE(held(text, begin + Duration::days(3) + Duration::hours(7)));
}

TEST(Maintenance, SaysWhenThatChanges) {
  const std::vector<MaintenanceWindow> windows = {window("Sun 02:00-04:00 UTC"),
                                                  window("Sun 03:00-05:00 UTC")};
  EXPECT_EQ(maintenance_at(windows, kSunday).until_change, Duration::hours(2));
  EXPECT_EQ(maintenance_at(windows, kSunday + Duration::hours(2)).until_change,
            Duration::hours(1));  // at the latest then
  EXPECT_TRUE(maintenance_at(windows, kSunday + Duration::hours(4)).held);
  EXPECT_EQ(maintenance_at(windows, kSunday + Duration::hours(5)).until_change,
            Duration::days(7) - Duration::hours(3));
  EXPECT_EQ(maintenance_at({}, kSunday).until_change, Duration::max());
  for (const Instant end : {Instant::earliest(), Instant{}, Instant::latest()}) {
    EXPECT_GT(maintenance_at(windows, end).until_change, Duration::zero());
  }
}

TEST(Maintenance, RefusesWhatIsNoWindow) {
  for (const char* wrong :
       {"", "UTC", "Sun 02:00-04:00", "Sun 02:00-04:00 CET", "Son 02:00-04:00 UTC",
        "Sun 2:00-4:00 UTC", "Sun 02:00-02:00 UTC", "Sun 25:00-26:00 UTC", "Sun 24:00-01:00 UTC",
        "Sun 02:60-04:00 UTC", "2026-12-24 00:00 UTC", "2026-12-24 00:00 / 2026-12-24 00:00 UTC",
        "2026-02-30 00:00 / 2026-12-24 00:00 UTC", "2026-12-24 / 2026-12-25 UTC",
        "9999-01-01 00:00 / 9999-01-02 00:00 UTC", "-1 02:00-04:00 UTC", "Sun -1:00-04:00 UTC"}) {
    EXPECT_THROW(window(wrong), Error) << wrong;
  }
}

}  // namespace
}  // namespace mixnet
