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

}  // namespace
}  // namespace mixnet
