#include "base/progress.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

// Tests run without a terminal on standard error, or for less than the two quiet seconds.
TEST(ProgressBar, IsSilentWhereNobodyWatches) {
  ::testing::internal::CaptureStderr();
  {
    ProgressBar bar("simulating", 3);
    for (int i = 0; i < 5; ++i) bar.advance();
    ProgressBar nothing_to_do("empty", 0);
    nothing_to_do.advance(0);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressBar, SaysRoughlyHowLongItTakes) {
  EXPECT_EQ(rough_duration(0), "0 s");
  EXPECT_EQ(rough_duration(59.4), "59 s");
  EXPECT_EQ(rough_duration(59.6), "1 min 0 s");
  EXPECT_EQ(rough_duration(3599), "59 min 59 s");
  EXPECT_EQ(rough_duration(36'330), "10 h 5 min");
  EXPECT_EQ(rough_duration(-1), "0 s");
}

}  // namespace
}  // namespace mixnet
