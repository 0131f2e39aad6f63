#include "base/number_text.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(Grouped, ThreeDigitsAtATime) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567.4), "1,234,567");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(grouped(-100), "-100");
}

}  // namespace
}  // namespace mixnet
