#include "ocs/back_off.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

using std::chrono::milliseconds;

TEST(BackOff, DoublesUpToTenSeconds) {
  BackOff back_off;
  MonotonicTime now{std::chrono::hours(1)};
  EXPECT_TRUE(back_off.is_over(now));
  for (const int wait : {100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}) {
    back_off.failed(now);
    EXPECT_FALSE(back_off.is_over(now + milliseconds(wait - 1)));
    now += milliseconds(wait);
    EXPECT_TRUE(back_off.is_over(now));
  }
  back_off.succeeded();
  back_off.failed(now);
  EXPECT_TRUE(back_off.is_over(now + milliseconds(100)));
}

}  // namespace
}  // namespace mixnet
