#include "base/text_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::Optional;

TEST(NumberIn, IsAllOfTheText) {
  EXPECT_THAT(number_in<int>("42"), Optional(42));
  EXPECT_THAT(number_in<double>("2.5e3"), Optional(2500.0));
  EXPECT_EQ(number_in<int>(""), std::nullopt);
  EXPECT_EQ(number_in<int>("42 "), std::nullopt);
  EXPECT_EQ(number_in<int>("4.2"), std::nullopt);
  EXPECT_EQ(number_in<int>("+42"), std::nullopt);
}

TEST(NumberIn, FitsItsType) {
  EXPECT_THAT(number_in<std::int8_t>("127"), Optional(std::int8_t{127}));
  EXPECT_EQ(number_in<std::int8_t>("128"), std::nullopt);
  EXPECT_EQ(number_in<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(number_in<double>("1e999"), std::nullopt);
}

TEST(ParseWhole, AsPeopleWriteWholeNumbers) {
  constexpr WholeField kBytes = {"size", "number of bytes", 0, 1'000'000};
  for (const char* text : {"9810", "9810.0", "9.81e3"}) {
    EXPECT_EQ(parse_whole(text, kBytes, TextPlace{"flows.cm", 3}), 9810) << text;
  }
}

TEST(ParseWhole, SaysWhatIsWrong) {
  const auto problem_of = [](std::string_view word) {
    std::string_view problem;
    parse_whole(word, {"size", "number of bytes", 2, 1000, "is over 1000 bytes"}, problem);
    return problem;
  };
  EXPECT_EQ(problem_of("2"), "");
  EXPECT_EQ(problem_of("1e3"), "");
  EXPECT_EQ(problem_of("x"), "is not a number");
  EXPECT_EQ(problem_of(""), "is not a number");
  EXPECT_EQ(problem_of("1"), "is too small");
  EXPECT_EQ(problem_of("-1"), "is negative");
  EXPECT_EQ(problem_of("-1.5"), "is negative");
  EXPECT_EQ(problem_of("2.5"), "is not whole");
  EXPECT_EQ(problem_of("1001"), "is over 1000 bytes");
  EXPECT_EQ(problem_of("1e30"), "is over 1000 bytes");
  EXPECT_EQ(problem_of("1e999"), "is out of range");
  EXPECT_EQ(problem_of("inf"), "is not finite");
}

TEST(ParseWhole, NamesTheLine) {
  const TextPlace place{"flows.cm", 3};
  try {
    parse_whole("-5", {"size", "number of bytes", 0, 10}, place);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "flows.cm:3: size '-5' is negative; give a whole number of bytes, 0 to 10");
  }
}

}  // namespace
}  // namespace mixnet
