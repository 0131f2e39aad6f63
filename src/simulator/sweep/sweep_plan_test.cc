#include "sweep/sweep_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

const StudyFlag kFlags[] = {{.names = {"model"}, .names_file = true},
                            {.names = {"fabric"}},
                            {.names = {"degree"}},
                            {.names = {"acks"}, .is_switch = true}};

SweepPlan plan_of(std::string_view text) {
  return {parse_study(text, "study.yaml", kFlags), "run"};
}

std::vector<std::string> commands(const SweepPlan& plan) {
  std::vector<std::string> lines;
  for (std::size_t point = 0; point < plan.points(); ++point) {
    lines.push_back(plan.command_line(point));
  }
  return lines;
}

TEST(SweepPlan, PointsAreTheProductLastAxisFastest) {
  EXPECT_THAT(
      commands(plan_of("fabric: [a, b]\nmodel: m\ndegree: [1, 2, 3]\n")),
      ElementsAre("run --fabric a --model m --degree 1", "run --fabric a --model m --degree 2",
                  "run --fabric a --model m --degree 3", "run --fabric b --model m --degree 1",
                  "run --fabric b --model m --degree 2", "run --fabric b --model m --degree 3"));
  EXPECT_THAT(commands(plan_of("model: m")), ElementsAre("run --model m"));
}

TEST(SweepPlan, NothingAndSwitches) {
  const SweepPlan plan = plan_of("degree: [~, -1]\nacks: [false, true]\n");
  EXPECT_THAT(commands(plan),
              ElementsAre("run", "run --acks", "run --degree=-1", "run --degree=-1 --acks"));
  EXPECT_EQ(plan.axes(1).dump(), R"({"degree":null,"acks":"true"})");
}

TEST(SweepPlan, RulesLeavePointsOut) {
  EXPECT_THAT(commands(plan_of("fabric: [a, b]\ndegree: [1, 2, 3]\n"
                               "exclude:\n  - {fabric: a, degree: [2, 3]}\n  - {degree: 3}\n")),
              ElementsAre("run --fabric a --degree 1", "run --fabric b --degree 1",
                          "run --fabric b --degree 2"));
  EXPECT_THROW(plan_of("fabric: [a, b]\nexclude: [{fabric: [a, b]}]\n"), Error);
}

TEST(SweepPlan, TooManyPointsAreRefused) {
  std::string list = "[0";
  for (int i = 1; i < 1000; ++i) list += fmt::format(",{}", i);
  list += "]\n";
  EXPECT_EQ(plan_of("fabric: " + list + "degree: [1, 2]\n").points(), 2000u);
  EXPECT_THROW(plan_of("fabric: " + list + "degree: " + list), Error);
}

TEST(SweepPlan, WordsAreQuotedForAShell) {
  EXPECT_EQ(shell_quoted("100Gbps"), "100Gbps");
  EXPECT_EQ(shell_quoted("matrix:a/b.csv"), "matrix:a/b.csv");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's $HOME"), "'it'\\''s $HOME'");
}

TEST(SweepPlan, WordsOfAShellLineAreReadBack) {
  using Words = std::vector<std::string>;
  const Words words = {"mixnet", "--model", "a b", "it's $HOME", "", "--fail=nic:3.1", "\\"};
  std::string line;
  for (const std::string& word : words) line += shell_quoted(word) + " ";
  EXPECT_EQ(shell_words(line, "row"), words);
  EXPECT_EQ(shell_words("a'b c'd", "row"), Words{"ab cd"});
  EXPECT_EQ(shell_words("  ", "row"), Words{});
  EXPECT_THROW(shell_words("a 'b", "row"), Error);
}

TEST(SweepPlan, IdentityTellsStudiesAndFilesApart) {
  const auto identity = [](std::string_view text) {
    return plan_of(text).identity("mixnet 1", kFlags);
  };
  const auto one = identity("model: m # comment\nfabric: [a, ~]\nexclude: [{fabric: ~}]");
  EXPECT_EQ(one["axes"].dump(), R"({"fabric":["a",null]})");
  EXPECT_EQ(one["fixed"].dump(), R"({"model":"m"})");
  EXPECT_EQ(one["exclude"].dump(), R"([{"fabric":[null]}])");
  EXPECT_EQ(one["points"], 1);
  EXPECT_EQ(one, identity("{model: m, fabric: [a, ~], exclude: [{fabric: [~]}]}"));
  EXPECT_NE(one, identity("model: m\nfabric: [a, ~]"));

  const std::string file = testing::TempDir() + "sweep_plan_model.json";
  write_text_file(file, "1");
  const auto before = identity("model: 'matrix:" + file + "'");
  EXPECT_EQ(before["files"].size(), 1u);
  EXPECT_EQ(before, identity("model: 'matrix:" + file + "'"));
  write_text_file(file, "2");
  EXPECT_NE(before["files"], identity("model: 'matrix:" + file + "'")["files"]);
  // Only of flags that name files.
  EXPECT_TRUE(identity("fabric: '" + file + "'")["files"].empty());
}

}  // namespace
}  // namespace mixnet
