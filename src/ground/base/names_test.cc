#include "base/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {

enum class Colour { kRed, kBlue, kUnnamed };

template <>
struct Names<Colour> {
  static constexpr std::string_view kWhat = "colour";
  static constexpr NamedValue<Colour> kTable[] = {
      {"red", Colour::kRed}, {"blue", Colour::kBlue}, {"azure", Colour::kBlue}};
};

namespace {

using ::testing::ElementsAre;

TEST(Names, TheFirstNameIsWritten) {
  EXPECT_EQ(to_string(Colour::kRed), "red");
  EXPECT_EQ(to_string(Colour::kBlue), "blue");
  EXPECT_EQ(to_string(Colour::kUnnamed), "?");
  EXPECT_THAT(names_of<Colour>(), ElementsAre("red", "blue"));
}

TEST(Names, EveryNameIsReadInAnyCase) {
  EXPECT_EQ(parse<Colour>("red", "--paint"), Colour::kRed);
  EXPECT_EQ(parse<Colour>("Blue", "--paint"), Colour::kBlue);
  EXPECT_EQ(parse<Colour>("azure", "--paint"), Colour::kBlue);
}

TEST(Names, OtherWordsAreRefusedWithWhatIsKnown) {
  const auto error_of = [](std::string_view name) -> std::string {
    try {
      (void)parse<Colour>(name, "--paint");
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(error_of("bleu"), "--paint: unknown colour 'bleu'; known: red, blue");
  EXPECT_EQ(error_of("reds"),
            "--paint: unknown colour 'reds'; did you mean 'red'? known: red, blue");
  EXPECT_EQ(error_of(""), "--paint: unknown colour ''; known: red, blue");
}

}  // namespace
}  // namespace mixnet
