#include "cabling/test_frame.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(TestFrame, CarriesWhoSentIt) {
  const TestFrameLabel label{0x0123456789abcdef, 77};
  TestFrame frame = make_test_frame({2, 0, 0, 0, 0, 1}, label);
  EXPECT_EQ(frame[0], 0xff);  // broadcast
  EXPECT_EQ(frame[6], 2);
  EXPECT_EQ(frame[12], 0x88);
  EXPECT_EQ(frame[13], 0xb5);
  EXPECT_EQ(read_test_frame(frame), label);
}

TEST(TestFrame, OtherFramesAreNone) {
  TestFrame frame = make_test_frame({}, {1, 2});
  EXPECT_FALSE(read_test_frame(std::span(frame).first(30)));
  frame[13] = 0;
  EXPECT_FALSE(read_test_frame(frame));
  frame[13] = 0xb5;
  frame[20] = 0;
  EXPECT_FALSE(read_test_frame(frame));
  EXPECT_FALSE(read_test_frame({}));
}

}  // namespace
}  // namespace mixnet
