#include "moe/config_text.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using namespace std::string_literals;

TEST(ConfigText, Utf8IsLeftAsItIsWithoutItsMark) {
  EXPECT_EQ(config_text("{\"a\": 1}", "x"), "{\"a\": 1}");
  EXPECT_EQ(config_text("\xEF\xBB\xBF{}", "x"), "{}");
  EXPECT_EQ(config_text("", "x"), "");
}

TEST(ConfigText, WiderEncodingsAreToldByTheirMarkOrTheirZeros) {
  EXPECT_EQ(config_text("\xFF\xFE{\0}\0"s, "x"), "{}");
  EXPECT_EQ(config_text("\xFE\xFF\0{\0}"s, "x"), "{}");
  EXPECT_EQ(config_text("{\0}\0"s, "x"), "{}");
  EXPECT_EQ(config_text("\0{\0}"s, "x"), "{}");
  EXPECT_EQ(config_text("{\0\0\0}\0\0\0"s, "x"), "{}");
  EXPECT_EQ(config_text("\0\0\xFE\xFF\0\0\0{\0\0\0}"s, "x"), "{}");
}

TEST(ConfigText, PairsAreOneCharacterAndHalvesNone) {
  EXPECT_EQ(config_text("\xFF\xFE\x3D\xD8\x00\xDE"s, "x"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(config_text("\xFF\xFE\x3D\xD8"s, "x"), "\xEF\xBF\xBD");
  EXPECT_EQ(config_text("\xFF\xFE\x00\xDE"s, "x"), "\xEF\xBF\xBD");
  EXPECT_THROW(config_text("\xFF\xFE{\0}"s, "x"), Error);
}

TEST(ConfigText, PythonsInfinityBecomesAStringOfItsLengthButNotWithinStrings) {
  EXPECT_EQ(config_text("[Infinity, 1]", "x"), "[\"inf\"   , 1]");
  EXPECT_EQ(config_text("[-Infinity,NaN]", "x"), "[\"-inf\"   ,\"\" ]");
  EXPECT_EQ(config_text("{\"NaN\": \"a \\\" Infinity\"}", "x"), "{\"NaN\": \"a \\\" Infinity\"}");
}

}  // namespace
}  // namespace mixnet
