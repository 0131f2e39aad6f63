#include "base/error.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(Error, SaysInputProblemAndRemedyOnOneLine) {
  EXPECT_STREQ(Error("--gpus", "7 is odd", "give 8").what(), "--gpus: 7 is odd; give 8");
  EXPECT_STREQ(Error("a.csv:3", "is empty").what(), "a.csv:3: is empty");
}

TEST(Error, AHostileInputCannotForgeALine) {
  EXPECT_STREQ(Error("a\nok", "b\r\033[1m", "c\x7f").what(), "a?ok: b??[1m; c?");
}

TEST(Error, Utf8IsKept) { EXPECT_STREQ(Error("größe", "—").what(), "größe: —"); }

}  // namespace
}  // namespace mixnet
