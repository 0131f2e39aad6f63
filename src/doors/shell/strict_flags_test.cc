#include "shell/strict_flags.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace mixnet::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A program with one command `run` that takes a flag of every kind.
class Program {
 public:
  Program() {
    app_.require_subcommand(1);
    CLI::App* command = app_.add_subcommand("run");
    command->add_option("--tp,--tensor", tp_);
    command->add_option("--seed", seed_);
    command->add_option("--scale", scale_);
    command->add_option("--json", json_);
    command->add_flag("--paper", paper_);
    CLI::App* group = app_.add_subcommand("job");
    group->require_subcommand(1);
    group->add_subcommand("remove");
    group->add_subcommand("add")->add_option("--size", size_)->required();
    refuse_loose_values(app_);
  }

  /// What is said about the command line; "" when it is right.
  std::string said(std::vector<std::string> words) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
      refuse_values_of_switches(app_, words);
      app_.parse(reversed);
    } catch (const CLI::ParseError& error) {
      return explain(app_, error).what();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  int tp_ = 0;
  std::uint64_t seed_ = 0;
  double scale_ = 0;
  std::string json_;
  bool paper_ = false;
  int size_ = 0;

 private:
  CLI::App app_{"", "prog"};
};

std::string said(std::vector<std::string> words) { return Program().said(std::move(words)); }

TEST(StrictFlags, CommandsWithinACommandAreMeant) {
  EXPECT_EQ(said({"job", "add", "--size", "3"}), "");
  EXPECT_EQ(said({"job", "ad"}), "ad: no such command; did you mean 'add'? known: remove, add");
  EXPECT_EQ(said({"job"}), "command line: names no command; give one of remove, add; see --help");
  EXPECT_EQ(said({"job", "add"}), "--size: is required; see prog job add --help");
  EXPECT_EQ(said({"job", "add", "--sise", "3"}), "--sise: no such flag; did you mean '--size'?");
  EXPECT_THAT(said({"job", "add", "--size", "0x3"}), HasSubstr("--size: '0x3' is not a whole"));
}

TEST(StrictFlags, PlainValuesPass) {
  Program program;
  EXPECT_EQ(program.said({"run", "--tp", "010", "--seed", "18446744073709551615", "--scale=1e-3",
                          "--json", "x"}),
            "");
  EXPECT_EQ(program.seed_, 18446744073709551615U);
  EXPECT_EQ(program.scale_, 1e-3);
  EXPECT_EQ(program.json_, "x");
  EXPECT_EQ(Program().said({"run", "--tensor", "-8"}), "") << "ranges are the command's matter";
}

TEST(StrictFlags, NumbersAreDecimal) {
  for (const char* bad : {"0x10", "1e3", "1.5", "x", "8x", " 8", "8 ", "+8"}) {
    EXPECT_THAT(said({"run", "--tp", bad}),
                AllOf(HasSubstr("--tp: '"), HasSubstr("is not a whole number")))
        << bad;
  }
  EXPECT_THAT(said({"run", "--seed", "-1"}), HasSubstr("'-1' is not a whole number of at least 0"));
  for (const char* bad : {"x", "0x1p3", "nan", "inf", "1e999", "1,5"}) {
    EXPECT_THAT(said({"run", "--scale", bad}), HasSubstr("--scale: '")) << bad;
  }
}

TEST(StrictFlags, NothingIsClamped) {
  EXPECT_THAT(said({"run", "--tp", "2147483648"}), HasSubstr("out of range"));
  EXPECT_THAT(said({"run", "--seed", "18446744073709551616"}), HasSubstr("out of range"));
}

TEST(StrictFlags, EmptyIsNotAbsent) {
  EXPECT_EQ(said({"run", "--json", ""}), "--json: is empty; give it a value or leave it out");
}

TEST(StrictFlags, FlagsGivenTwiceOrWithoutTheirValue) {
  EXPECT_EQ(said({"run", "--tp", "1", "--tp", "2"}), "--tp: is given 2 times; give it once");
  EXPECT_EQ(said({"run", "--json"}), "--json: needs a value; write --json TEXT");
  EXPECT_EQ(said({"run", "--paper=3"}), "--paper: takes no value; write it alone, or leave it out");
  EXPECT_EQ(said({"run", "--paper"}), "");
}

TEST(StrictFlags, UnknownFlagsAreNamed) {
  EXPECT_EQ(said({"run", "--jsn", "x"}).find("--jsn: no such flag; did you mean '--json'?"), 0U);
  EXPECT_EQ(said({"run", "--jsn=x"}).find("--jsn: no such flag"), 0U);
  EXPECT_THAT(said({"run", "word"}), HasSubstr("word: was not expected here"));
  EXPECT_THAT(said({"--jsn"}), HasSubstr("--jsn: no such flag"));
}

TEST(StrictFlags, UnknownCommandsAreNamed) {
  EXPECT_EQ(said({"rum"}), "rum: no such command; did you mean 'run'? known: run, job");
  EXPECT_THAT(said({}), HasSubstr("names no command; give one of run"));
}

/// What is said of the flags of a program without commands.
std::string said_alone(std::vector<std::string> words) {
  CLI::App app("", "mixnet-ocs");
  std::optional<int> ports;
  bool carrier = false;
  app.add_option("--ports", ports);
  app.add_flag("--carrier", carrier);
  refuse_loose_values(app);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    refuse_values_of_switches(app, words);
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return explain(app, error).what();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(StrictFlags, AProgramWithoutCommandsIsAsStrict) {
  EXPECT_EQ(said_alone({"--ports", "8", "--carrier"}), "");
  EXPECT_THAT(said_alone({"--ports", "0x10"}), HasSubstr("--ports: '0x10' is not a whole number"));
  EXPECT_THAT(said_alone({"--ports", ""}), HasSubstr("--ports: is empty"));
  EXPECT_THAT(said_alone({"--carrier=no"}), HasSubstr("--carrier: takes no value"));
  EXPECT_EQ(said_alone({"--ports"}), "--ports: needs a value; write --ports INT");
  EXPECT_EQ(said_alone({"--ports", "1", "--ports", "2"}),
            "--ports: is given 2 times; give it once");
  EXPECT_THAT(said_alone({"--prts", "1"}), HasSubstr("--prts: no such flag"));
  EXPECT_THAT(said_alone({"word"}), HasSubstr("word: was not expected here"));
}

}  // namespace
}  // namespace mixnet::cli
