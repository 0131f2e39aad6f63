#include "cli/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/caller.h"
#include "base/error.h"

namespace mixnet::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string complaint(std::string_view command, const std::vector<std::string>& words) {
  try {
    (void)answer(command, words);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(AnswersTest, TheDocumentIsReturnedAndNothingPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const Answer said = answer("cost", {"--servers", "64", "--bandwidth=400Gbps"});
  const auto document = nlohmann::json::parse(said.json);
  EXPECT_EQ(document["schema"], "mixnet.cost/1");
  EXPECT_EQ(document["rows"][0]["servers"], 64);
  EXPECT_THAT(said.notes, IsEmpty());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(AnswersTest, EveryCommandHasOne) {
  for (const char* command : {"models", "gpus", "fabrics"}) {
    EXPECT_EQ(nlohmann::json::parse(answer(command, {}).json)["schema"],
              "mixnet." + std::string(command) + "/1");
  }
  EXPECT_THAT(answer("compare", {"--model=mixtral-8x7b", "--gpus=128", "--fabric=ideal"}).json,
              HasSubstr("mixnet.compare/1"));
  EXPECT_THAT(
      answer("simulate", {"--model=mixtral-8x7b", "--gpus=128", "--fabric", "fat-tree"}).json,
      HasSubstr("mixnet.compare/1"));
  EXPECT_THAT(answer("flows", {"--collective=all_reduce", "--gpus=16", "--bytes=1MB"}).json,
              HasSubstr("mixnet.collective/1"));
  EXPECT_THAT(answer("predict", {"--routing=uniform", "--iterations=4"}).json,
              HasSubstr("mixnet.predict/1"));
}

TEST(AnswersTest, OtherFilesAreWritten) {
  const std::string path = testing::TempDir() + "answers_test.csv";
  (void)answer("cost", {"--servers=64", "--csv", path});
  std::string line;
  std::getline(std::ifstream(path), line);
  EXPECT_THAT(line, StartsWith("fabric,bandwidth_gbps"));
  EXPECT_THAT(complaint("cost", {"--csv", "-"}), HasSubstr("--csv"));
}

TEST(AnswersTest, MistakesAreErrors) {
  EXPECT_THAT(complaint("cost", {"--server", "64"}), HasSubstr("did you mean '--servers'"));
  EXPECT_THAT(complaint("cost", {"--json", "x"}), HasSubstr("--json: no such flag"));
  EXPECT_THAT(complaint("cost", {"--help"}), HasSubstr("--help: no such flag"));
  EXPECT_THAT(complaint("simulate", {"--model", "x", "-h"}), HasSubstr("-h: no such flag"));
  EXPECT_THAT(complaint("cost", {"64"}), HasSubstr("was not expected here"));
  EXPECT_THAT(complaint("simulate", {}), HasSubstr("names nothing to simulate"));
}

TEST(AnswersTest, ACallerStopsThem) {
  Caller caller;
  const CallerScope scope(&caller);
  caller.stop();
  EXPECT_THROW(answer("predict", {"--routing=uniform"}), Stopped);
}

}  // namespace
}  // namespace mixnet::cli
