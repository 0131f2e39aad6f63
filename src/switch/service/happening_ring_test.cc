#include "service/happening_ring.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

v1::Happening happening(int number) {
  v1::Happening made;
  made.set_text(std::to_string(number));
  return made;
}

TEST(HappeningRing, EachReaderHasItsOwnPlaceAndKnowsWhatItMissed) {
  HappeningRing ring(4);
  ring.put(happening(0));
  std::uint64_t quick = ring.end(), slow = quick;
  v1::Happening got;
  EXPECT_FALSE(ring.take(quick, got));
  for (int i = 1; i <= 3; ++i) ring.put(happening(i));
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(ring.take(quick, got));
    EXPECT_EQ(got.text(), std::to_string(i));
    EXPECT_EQ(got.lost(), 0U);
  }
  EXPECT_FALSE(ring.take(quick, got));
  for (int i = 4; i <= 9; ++i) ring.put(happening(i));
  ASSERT_TRUE(ring.take(slow, got));
  EXPECT_EQ(got.text(), "6");
  EXPECT_EQ(got.lost(), 5U);
  ASSERT_TRUE(ring.take(slow, got));
  EXPECT_EQ(got.lost(), 0U);
}

}  // namespace
}  // namespace mixnet
