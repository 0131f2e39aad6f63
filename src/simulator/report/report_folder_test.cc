#include "report/report_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"
#include "report/test_report_folder.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_reports::complaint;
using testing_reports::kSweepJson;
using testing_reports::line;
using testing_reports::replaced;

class Folder {
 public:
  Folder() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    path_ = fs::path(testing::TempDir()) / (std::string("report_folder_") + test.name());
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder& with(std::string_view name, std::string_view text) {
    write_text_file(path_ / name, text);
    return *this;
  }
  const fs::path& path() const { return path_; }
  std::string complaint() const {
    return testing_reports::complaint([&] { read_report_folder(path_); });
  }

 private:
  fs::path path_;
};

TEST(ReportFolder, KeepsTheOrderOfTheStudy) {
  const SweepHead sweep = read_sweep_head(kSweepJson, "sweep.json");
  ASSERT_EQ(sweep.axes.size(), 2u);
  EXPECT_EQ(sweep.axes[0].flag, "fabric");
  EXPECT_EQ(sweep.axes[1].values, (std::vector<FlagValue>{"100Gbps", "400Gbps"}));
  EXPECT_EQ(sweep.axis("bandwidth"), 1u);
  EXPECT_EQ(sweep.axis("seed"), 2u);
  EXPECT_EQ(sweep.fixed[0].first, "model");
  EXPECT_EQ(sweep.fixed[1].second, std::nullopt);
}

TEST(ReportFolder, ReadsARow) {
  const SweepHead sweep = read_sweep_head(kSweepJson, "sweep.json");
  const ReportRow row =
      read_report_row(sweep, line(4, "mixnet", 400, ",\"lost_seconds\":0.125"), "r");
  EXPECT_EQ(row.point, 3u);
  EXPECT_EQ(row.values, (std::vector<std::size_t>{1, 1}));
  ASSERT_TRUE(row.run);
  EXPECT_EQ(row.run->fabric, FabricKind::kMixNet);
  EXPECT_EQ(row.run->bandwidth, Bandwidth::gbps(400));
  EXPECT_EQ(row.run->iteration, Time::milliseconds(2500));
  EXPECT_EQ(row.run->ep, Time::milliseconds(500));
  EXPECT_EQ(row.run->lost, Time::milliseconds(125));
  EXPECT_EQ(row.run->plan.dp, 64);
  EXPECT_EQ(row.run->network_cost_usd, 1e6);
  const std::string priceless = replaced(line(1, "fat-tree", 100), "\"network_cost_usd\":1000000.0",
                                         "\"network_cost_usd\":null");
  EXPECT_EQ(read_report_row(sweep, priceless, "r").run->network_cost_usd, std::nullopt);
  const ReportRow failed = read_report_row(
      sweep,
      R"({"schema":"mixnet.sweep/1","point":1,"axes":{"fabric":"fat-tree","bandwidth":"100Gbps"},)"
      R"("status":"failed","command":"mixnet compare","error":"--ep: 3 does not divide"})",
      "r");
  EXPECT_FALSE(failed.run);
  EXPECT_EQ(failed.error, "--ep: 3 does not divide");
}

TEST(ReportFolder, RefusesRowsWithTheirPlace) {
  const SweepHead sweep = read_sweep_head(kSweepJson, "sweep.json");
  const auto refused = [&](std::string_view what, std::string_view with) {
    const std::string row = replaced(line(1, "fat-tree", 100), what, with);
    return complaint([&] { read_report_row(sweep, row, "rows:7"); });
  };
  EXPECT_THAT(refused("mixnet.sweep/1", "mixnet.plan/1"), HasSubstr("rows:7"));
  EXPECT_THAT(refused("\"point\":1", "\"point\":5"), HasSubstr("point"));
  EXPECT_THAT(refused("\"fabric\":\"fat-tree\"", "\"fabric\":\"ring\""), HasSubstr("'fabric'"));
  EXPECT_THAT(refused("\"fabric\":\"fat-tree\"", "\"fabric\":7"), HasSubstr("not a value"));
  EXPECT_THAT(refused(",\"bandwidth\":\"100Gbps\"", ""), HasSubstr("axes"));
  EXPECT_THAT(refused("\"bandwidth\":", "\"speed\":"), HasSubstr("no 'bandwidth'"));
  EXPECT_THAT(refused("\"ok\"", "\"fine\""), HasSubstr("status"));
  EXPECT_THAT(refused("\"iteration_seconds\":2.5", "\"iteration_seconds\":0"), HasSubstr("0 s"));
  EXPECT_THAT(refused("\"iteration_seconds\":2.5", "\"iteration_seconds\":1e7"),
              HasSubstr("no time"));
  EXPECT_THAT(refused("\"ep\":0.5", "\"ep\":-1"), HasSubstr("ep"));
  EXPECT_THAT(refused("\"ep\":0.5", "\"ep\":\"<b>\""), HasSubstr("ep"));
  EXPECT_THAT(refused("\"bandwidth_gbps\":100", "\"bandwidth_gbps\":0"), HasSubstr("no speed"));
  EXPECT_THAT(refused("\"tp\":4", "\"tp\":0"), HasSubstr("tp"));
  EXPECT_THAT(complaint([&] { read_report_row(sweep, "[", "rows:7"); }), HasSubstr("rows:7"));
  EXPECT_THAT(complaint([&] { read_report_row(sweep, "[]", "rows:7"); }), HasSubstr("rows:7"));
}

TEST(ReportFolder, RefusesHeads) {
  const auto refused = [&](std::string_view what, std::string_view with) {
    const std::string text = replaced(std::string(kSweepJson), what, with);
    return complaint([&] { read_sweep_head(text, "sweep.json"); });
  };
  EXPECT_THAT(refused("mixnet.sweep/1", "x"), HasSubstr("mixnet.sweep/1"));
  EXPECT_THAT(refused("\"points\":4", "\"points\":20001"), HasSubstr("20001 points"));
  EXPECT_THAT(refused("[\"fat-tree\",\"mixnet\"]", "[]"), HasSubstr("no value"));
  EXPECT_THAT(refused("[\"fat-tree\",\"mixnet\"]", "7"), HasSubstr("fabric"));
  EXPECT_THAT(refused("[\"fat-tree\",\"mixnet\"]", "[[]]"), HasSubstr("not a value"));
  EXPECT_THAT(refused("{\"model\":", "[{\"model\":"), HasSubstr("sweep.json"));
}

TEST(ReportFolder, PutsPointsInOrderAndCountsEachOnce) {
  Folder folder;
  folder.with("sweep.json", kSweepJson)
      .with("results.jsonl",
            line(3, "mixnet", 100) + line(1, "fat-tree", 100) + line(3, "mixnet", 100) + "{\"half");
  const ReportFolder read = read_report_folder(folder.path());
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].point, 0u);
  EXPECT_EQ(read.rows[1].point, 2u);
  EXPECT_TRUE(read.figures.empty());
}

TEST(ReportFolder, IsAsOldAsItsNewestResult) {
  FakeEnv env;
  env.put("r/sweep.json", kSweepJson);
  env.advance(std::chrono::hours(30));
  env.put("r/results.jsonl", line(1, "fat-tree", 100));
  const WallTime newest = env.wall_now();
  env.advance(std::chrono::hours(30));
  env.put("r/report.html", "an older report is no result");
  EXPECT_EQ(read_report_folder("r", env).newest, newest);
}

TEST(ReportFolder, NamesTheBrokenLine) {
  Folder folder;
  folder.with("sweep.json", kSweepJson)
      .with("results.jsonl", line(1, "fat-tree", 100) + "{}\n" + line(3, "mixnet", 100));
  EXPECT_THAT(folder.complaint(), HasSubstr("results.jsonl:2"));
}

TEST(ReportFolder, WantsResults) {
  EXPECT_THAT(complaint([] { read_report_folder("/nonexistent"); }), HasSubstr("not a folder"));
  EXPECT_THAT(Folder().complaint(), HasSubstr("holds no results"));
  EXPECT_THAT(Folder().with("sweep.json", kSweepJson).complaint(), HasSubstr("no finished point"));
  EXPECT_THAT(Folder().with("results.jsonl", "").complaint(), HasSubstr("sweep.json"));
  EXPECT_THAT(Folder().with("figures.json", "{}").complaint(), HasSubstr("figures.json"));
}

}  // namespace
}  // namespace mixnet
