#include "sweep/study_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const StudyFlag kFlags[] = {{.names = {"model"}, .names_file = true},
                            {.names = {"tp", "tensor-model-parallel-size"}},
                            {.names = {"fabric"}},
                            {.names = {"bandwidth"}},
                            {.names = {"fail"}},
                            {.names = {"free-acks"}, .is_switch = true}};

Study read(std::string_view text) { return parse_study(text, "study.yaml", kFlags); }

std::string message(std::string_view text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> texts(const StudySetting& setting) {
  std::vector<std::string> texts;
  for (const StudyValue& value : setting.values) texts.emplace_back(shown(value));
  return texts;
}

TEST(ParseStudy, ScalarsFixFlagsAndListsAreAxes) {
  const Study study = read(
      "# Speeds\n"
      "model: mixtral-8x7b\n"
      "tp: 4\n"
      "bandwidth: [100Gbps, 400Gbps]\n"
      "fail:\n"
      "  - ~\n"
      "  - nic:3.1,gpu:4\n"
      "free-acks: [false, true]\n");
  ASSERT_EQ(study.settings.size(), 5u);
  EXPECT_EQ(study.settings[0].flag, "model");
  EXPECT_FALSE(study.settings[0].is_axis);
  EXPECT_THAT(texts(study.settings[1]), ElementsAre("4"));
  EXPECT_TRUE(study.settings[2].is_axis);
  EXPECT_THAT(texts(study.settings[2]), ElementsAre("100Gbps", "400Gbps"));
  EXPECT_THAT(texts(study.settings[3]), ElementsAre("~", "nic:3.1,gpu:4"));
  EXPECT_THAT(texts(study.settings[4]), ElementsAre("~", "true"));
  EXPECT_TRUE(study.settings[4].is_switch);
}

TEST(ParseStudy, ValuesAreTextAsWritten) {
  // None of these is a number or a truth value to the reader.
  EXPECT_THAT(texts(read("tp: [010, 1e3, 0x8, on, \"~\", 'a b', 1.50]").settings[0]),
              ElementsAre("010", "1e3", "0x8", "on", "~", "a b", "1.50"));
  EXPECT_EQ(read("fail: [\"~\"]").settings[0].values[0].text, "~");
  EXPECT_EQ(read("fail: [~]").settings[0].values[0].text, std::nullopt);
}

TEST(ParseStudy, AnotherNameOfAFlagIsTheSameFlag) {
  EXPECT_EQ(read("tensor-model-parallel-size: 4").settings[0].flag, "tp");
  EXPECT_THAT(message("tp: 4\ntensor-model-parallel-size: 8"),
              StartsWith("study.yaml:2:1: 'tp' is given twice"));
}

TEST(ParseStudy, AliasesRepeatAValue) {
  const Study study = read("tp: &sizes [1, 2]\nfail: *sizes\n");
  EXPECT_THAT(texts(study.settings[1]), ElementsAre("1", "2"));
}

TEST(ParseStudy, PlacesCountFromOne) {
  const StudyValue value =
      read("tp: 1\nbandwidth:\n  - 100Gbps\n  -   400Gbps\n").settings[1].values[1];
  EXPECT_EQ(value.line, 4);
  EXPECT_EQ(value.column, 7);
  EXPECT_STREQ(error_at(read("tp: 1"), value, "is bad", "be good").what(),
               "study.yaml:4:7: is bad; be good");
}

TEST(ParseStudy, RulesNameSettingsAndTheirValues) {
  const Study study = read(
      "fabric: [fat-tree, topoopt, mixnet]\n"
      "fail: [~, nic:1.1]\n"
      "exclude:\n"
      "  - {fabric: [topoopt, mixnet], fail: ~}\n");
  ASSERT_EQ(study.exclusions.size(), 1u);
  const auto& matches = study.exclusions[0].matches;
  ASSERT_EQ(matches.size(), 2u);
  EXPECT_EQ(matches[0].setting, 0u);
  EXPECT_THAT(matches[0].values, ElementsAre(1, 2));
  EXPECT_EQ(matches[1].setting, 1u);
  EXPECT_THAT(matches[1].values, ElementsAre(0));
  // Rules may stand before what they name.
  EXPECT_EQ(read("exclude: [{tp: 1}]\ntp: [1, 2]").exclusions.size(), 1u);
}

TEST(ParseStudy, MistakesAreToldWithTheirPlace) {
  for (const auto& [text, place, said] :
       {std::tuple("", "study.yaml: ", "is empty"),
        std::tuple("# nothing\n", "study.yaml: ", "is empty"),
        std::tuple("- a\n- b\n", "study.yaml:1:1: ", "is no study"),
        std::tuple("mixtral\n", "study.yaml:1:1: ", "is no study"),
        std::tuple("tp: 1\n---\ntp: 2\n", "study.yaml:2:1: ", "second document"),
        std::tuple(",KK", "study.yaml:1:1: ", "second document"),
        std::tuple("tp: 1\nfabrik: mixnet\n", "study.yaml:2:1: ", "did you mean 'fabric'?"),
        std::tuple("tp: 1\nxyzzy: 2\n", "study.yaml:2:1: ", "mixnet compare --help"),
        std::tuple("--tp: 1\n", "study.yaml:1:1: ", "write flags without them"),
        std::tuple("tp: 1\ntp: 2\n", "study.yaml:2:1: ", "'tp' is given twice"),
        std::tuple("[a]: 1\n", "study.yaml:1:1: ", "a key is not a word"),
        std::tuple("tp:\n", "study.yaml:1:1: ", "'tp' has no value"),
        std::tuple("tp: ''\n", "study.yaml:1:5: ", "is empty"),
        std::tuple("tp: []\n", "study.yaml:1:5: ", "the list of 'tp' is empty"),
        std::tuple("tp: [1, 2, 1]\n", "study.yaml:1:12: ", "'1' stands twice in 'tp'"),
        std::tuple("tp: [1, [2, 3]]\n", "study.yaml:1:9: ", "a value of 'tp' is a list"),
        std::tuple("tp: {a: b}\n", "study.yaml:1:5: ", "a value of 'tp' is a mapping"),
        std::tuple("tp: \"a\\nb\"\n", "study.yaml:1:5: ", "not printable"),
        std::tuple("tp: a\xff\n", "study.yaml:1:5: ", "not printable"),
        std::tuple("free-acks: yes\n", "study.yaml:1:12: ", "write true or false"),
        std::tuple("tp: [1, 2\n", "study.yaml:2:1: ", "is not valid YAML"),
        std::tuple("tp: 1\n\tfabric: 2\n", "study.yaml:2:", "is not valid YAML"),
        std::tuple("tp: *nowhere\n", "study.yaml:1:5: ", "is not valid YAML"),
        std::tuple("tp: 1\nexclude: 3\n", "study.yaml:2:1: ", "is not a list of rules"),
        std::tuple("tp: 1\nexclude: [3]\n", "study.yaml:2:11: ", "is no rule"),
        std::tuple("tp: 1\nexclude: [{}]\n", "study.yaml:2:11: ", "is no rule"),
        std::tuple("tp: 1\nexclude: [{fabric: a}]\n", "study.yaml:2:12: ", "is not set"),
        std::tuple("tp: 1\nexclude: [{tp: 2}]\n", "study.yaml:2:16: ", "'2' is no value of 'tp'"),
        std::tuple("tp: 1\nexclude: [{tp: 1, tensor-model-parallel-size: 1}]\n",
                   "study.yaml:2:19: ", "'tp' is given twice")}) {
    EXPECT_THAT(message(text), AllOf(StartsWith(place), HasSubstr(said))) << text;
  }
}

TEST(ParseStudy, HostileTextsAreRefused) {
  EXPECT_THAT(message("tp: " + std::string(2'000'000, 'x')), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(message("tp: " + std::string(100'000, '[')), StartsWith("study.yaml:1:"));
  EXPECT_THAT(message("tp: &a [*a]"), HasSubstr("is a list"));
  // Each alias doubles what the one before stands for; none of it is ever unfolded.
  std::string laughs = "tp: [&a0 [x, x]";
  for (int i = 1; i < 60; ++i) {
    laughs += fmt::format(", &a{} [*a{}, *a{}]", i, i - 1, i - 1);
  }
  EXPECT_THAT(message(laughs + "]"), HasSubstr("is a list"));
}

}  // namespace
}  // namespace mixnet
