#include "interop/chakra_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/fake_env.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ChakraFilesTest : public ::testing::Test {
 protected:
  void put(const std::vector<std::string>& names) {
    for (const std::string& name : names) env_.put("traces/" + name, "x");
  }
  std::vector<std::string> ranks(const std::string& given) {
    std::vector<std::string> names;
    for (const auto& path : find_chakra_files(given, env_).ranks) names.push_back(path.string());
    return names;
  }
  std::string error_of(const std::string& given) {
    try {
      find_chakra_files(given, env_);
      return "no error";
    } catch (const Error& error) {
      return error.what();
    }
  }
  FakeEnv env_;
};

TEST_F(ChakraFilesTest, APrefixNamesTheFilesOfAllRanks) {
  put({"job.0.et", "job.1.et", "job.2.et"});
  put({"job.x.et", "job.01.et", "job.et", "jobs.12.et", "job.12.json"});
  EXPECT_THAT(ranks("traces/job"),
              ElementsAre("traces/job.0.et", "traces/job.1.et", "traces/job.2.et"));
  EXPECT_EQ(chakra_path("a/job", 3), "a/job.3.et");
}

TEST_F(ChakraFilesTest, RanksAreNumbers) {
  for (int rank = 0; rank < 12; ++rank) put({"job." + std::to_string(rank) + ".et"});
  EXPECT_EQ(ranks("traces/job").back(), "traces/job.11.et");
}

TEST_F(ChakraFilesTest, AFolderNamesAllThatLieThere) {
  put({"rank10.et", "rank2.et", "rank0.et", "rank1.et", "notes.txt", "x.comm_groups.json"});
  for (int rank = 3; rank < 10; ++rank) put({"rank" + std::to_string(rank) + ".et"});
  EXPECT_EQ(ranks("traces").size(), 11U);
  EXPECT_EQ(ranks("traces")[2], "traces/rank2.et");
  EXPECT_EQ(find_chakra_files("traces", env_).groups, "traces/x.comm_groups.json");
}

TEST_F(ChakraFilesTest, AFolderOfJsonIsOneToo) {
  put({"et_0.json", "et_1.json", "et.comm_groups.json"});
  EXPECT_THAT(ranks("traces"), ElementsAre("traces/et_0.json", "traces/et_1.json"));
}

TEST_F(ChakraFilesTest, AFileIsOneRanks) {
  put({"job.0.et", "job.1.et"});
  EXPECT_THAT(ranks("traces/job.1.et"), ElementsAre("traces/job.1.et"));
}

TEST_F(ChakraFilesTest, AMissingRankIsNamed) {
  EXPECT_THAT(error_of("traces/job"), HasSubstr("job.0.et: no such file"));
  put({"job.0.et", "job.2.et"});
  EXPECT_THAT(error_of("traces/job"),
              HasSubstr("traces/job.1.et: is missing, while job.2.et is there"));
  EXPECT_THAT(error_of("traces"), HasSubstr("the trace of rank 1: is missing"));
}

TEST_F(ChakraFilesTest, TwoFilesOfOneRankAreNamed) {
  put({"a.0.et", "b.0.et"});
  EXPECT_THAT(error_of("traces"), HasSubstr("traces/b.0.et: is of rank 0, and so is a.0.et"));
}

TEST_F(ChakraFilesTest, AFolderWithoutTraces) {
  put({"notes.txt"});
  EXPECT_THAT(error_of("traces"), HasSubstr("traces: holds no traces"));
}

TEST_F(ChakraFilesTest, AFolderThatMayNotBeReadIsNotTakenForAnEmptyOne) {
  put({"job.0.et"});
  EXPECT_EQ(ranks("traces/job").size(), 1U);
  env_.deny("traces");
  EXPECT_THAT(error_of("traces/job"), HasSubstr("traces: cannot be read (Permission denied)"));
}

}  // namespace
}  // namespace mixnet
