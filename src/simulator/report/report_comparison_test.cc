#include "report/report_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_env.h"
#include "report/test_report_folder.h"

namespace mixnet {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_reports::comparison_json;
using testing_reports::complaint;
using testing_reports::replaced;

TEST(ReportComparison, IsASweepOverSpeedsAndFabrics) {
  const ReportFolder folder = read_report_comparison(comparison_json(), "x.json");
  ASSERT_TRUE(folder.sweep);
  EXPECT_EQ(folder.sweep->program, "mixnet 1");
  EXPECT_EQ(folder.sweep->command, "mixnet compare");
  EXPECT_EQ(folder.sweep->points, 3u);
  EXPECT_EQ(folder.gpu, "NVIDIA H100");
  ASSERT_EQ(folder.sweep->axes.size(), 2u);
  EXPECT_EQ(folder.sweep->axes[0].flag, "bandwidth");
  EXPECT_EQ(folder.sweep->axes[0].values, (std::vector<FlagValue>{"100Gbps", "400Gbps"}));
  EXPECT_EQ(folder.sweep->axes[1].values, (std::vector<FlagValue>{"mixnet", "fat-tree"}));
  ASSERT_EQ(folder.rows.size(), 3u);
  EXPECT_EQ(folder.rows[1].point, 1u);
  EXPECT_EQ(folder.rows[1].values, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(folder.rows[1].command, "");
  EXPECT_EQ(folder.rows[1].run->iteration, Time::milliseconds(2500));
  EXPECT_EQ(folder.rows[1].run->plan.ep, 8);
  EXPECT_EQ(folder.sweep->fixed.at(1), (std::pair<std::string, FlagValue>{"gpus", "1024"}));
}

TEST(ReportComparison, OfAnOlderProgramItDoesNotSayByWhichAndOnWhat) {
  const std::string older =
      replaced(comparison_json(), R"("program":"mixnet 1","gpu":"NVIDIA H100",)", "");
  EXPECT_EQ(read_report_comparison(older, "x.json").sweep->program, "");
  EXPECT_EQ(read_report_comparison(older, "x.json").gpu, "");
}

TEST(ReportComparison, RefusesWhatIsNoneWithThePlace) {
  const auto refused = [](std::string_view what, std::string_view with) {
    const std::string text = replaced(comparison_json(), what, with);
    return complaint([&] { read_report_comparison(text, "x.json"); });
  };
  for (const char* other : {"{}", "[]", "7", R"({"schema":["mixnet.compare/1"]})"}) {
    EXPECT_THAT(complaint([&] { read_report_comparison(other, "x.json"); }),
                AllOf(HasSubstr("x.json: is not of schema mixnet.compare/1"),
                      HasSubstr("mixnet compare --json FILE")));
  }
  EXPECT_THAT(complaint([] { read_report_comparison("{\"schema\":", "x.json"); }),
              HasSubstr("x.json:1:"));
  EXPECT_THAT(refused("mixnet.compare/1", "mixnet.flows/1"), HasSubstr("mixnet.compare/1"));
  EXPECT_THAT(refused("\"plan\":{\"tp\":4", "\"plan\":{\"tp\":-1"), HasSubstr("plan.tp"));
  EXPECT_THAT(refused("\"plan\"", "\"plans\""), HasSubstr("plan"));
  EXPECT_THAT(refused("\"runs\":[", "\"runs\":7,\"x\":["), HasSubstr("runs"));
  EXPECT_THAT(refused("\"fabric\":\"mixnet\"", "\"fabric\":\"ring\""), HasSubstr("runs[0].fabric"));
  EXPECT_THAT(refused("\"iteration_seconds\":2.5", "\"iteration_seconds\":null"),
              HasSubstr("iteration_seconds"));
  EXPECT_THAT(refused("\"bandwidth_gbps\":100", "\"bandwidth_gbps\":1e-12"), HasSubstr("no speed"));
  EXPECT_THAT(refused("\"fabric\":\"fat-tree\"", "\"fabric\":\"mixnet\""),
              AllOf(HasSubstr("runs[1]"), HasSubstr("mixnet at 100 Gb/s a second time")));
  EXPECT_THAT(refused("\"model\":\"mixtral-8x7b\"", "\"model\":\"b\""),
              AllOf(HasSubstr("runs[1].model"), HasSubstr("a comparison is of one model")));
  const std::string json = comparison_json();
  const std::string none = json.substr(0, json.find("\"runs\":[") + 8) + "]}";
  EXPECT_THAT(complaint([&] { read_report_comparison(none, "x.json"); }),
              HasSubstr("holds no run"));
}

TEST(ReportComparison, ResultsAreAFolderOrAFile) {
  FakeEnv env;
  env.put("x.json", comparison_json());
  const ReportFolder file = read_results("x.json", env);
  EXPECT_EQ(file.rows.size(), 3u);
  EXPECT_EQ(file.newest, env.wall_now());
  env.put("r/sweep.json", testing_reports::kSweepJson);
  env.put("r/results.jsonl", testing_reports::line(1, "fat-tree", 100));
  EXPECT_EQ(read_results("r", env).rows.size(), 1u);
  EXPECT_THAT(complaint([&] { read_results("none", env); }), HasSubstr("none: is not there"));
  env.put("x.json", "");
  EXPECT_THAT(complaint([&] { read_results("x.json", env); }), HasSubstr("x.json:1:1"));
}

}  // namespace
}  // namespace mixnet
