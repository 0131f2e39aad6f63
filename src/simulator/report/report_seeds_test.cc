#include "report/report_seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/report_summary.h"
#include "report/test_report_folder.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_reports::row;

/// The axes of testing_reports::sweep(), with the seed in place of the degree.
SweepHead seed_sweep(std::size_t points) {
  SweepHead head = testing_reports::sweep();
  head.points = points;
  head.axes[1] = {"seed", {"1", "2"}};
  return head;
}

/// By seed: mixnet on model a at 100 Gb/s, beside the fat-tree.
std::vector<ReportRow> two_seeds() {
  return {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2),
          row({0, 1, 0, 0}, 12, 4e6, 1), row({0, 1, 0, 1}, 26, 1e6, 4)};
}

TEST(ReportSeeds, TheIntervalIsStudents) {
  // t of 2 degrees of freedom is 4.303; s of {1, 2, 3} is 1.
  EXPECT_NEAR(*half_width95(std::vector<double>{1, 2, 3}), 4.303 / std::sqrt(3.0), 1e-3);
  EXPECT_EQ(*half_width95(std::vector<double>{7, 7}), 0);
  EXPECT_EQ(half_width95(std::vector<double>{7}), std::nullopt);
  EXPECT_EQ(half_width95({}), std::nullopt);
  EXPECT_NEAR(student_t95(1), 12.706, 1e-3);
  EXPECT_NEAR(student_t95(30), 2.042, 1e-3);
  EXPECT_NEAR(student_t95(31), 2.0395, 1e-3);  // from here on by a series
  EXPECT_NEAR(student_t95(120), 1.9799, 1e-3);
}

TEST(ReportSeeds, PointsThatDifferBySeedAloneAreAveraged) {
  const auto found = average_seeds(seed_sweep(4), two_seeds());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->axis, 1u);
  EXPECT_EQ(found->least, 2u);
  EXPECT_EQ(found->most, 2u);
  ASSERT_EQ(found->means.size(), 2u);
  const SeedMean& mixnet = found->means[1];
  EXPECT_THAT(mixnet.of, ElementsAre(1, 3));
  EXPECT_EQ(mixnet.row.point, 1u);
  EXPECT_EQ(mixnet.row.run->fabric, FabricKind::kMixNet);
  EXPECT_EQ(mixnet.row.run->iteration, Time::seconds(23));
  EXPECT_EQ(mixnet.row.run->compute, Time::seconds(23));
  EXPECT_EQ(mixnet.row.run->performance_per_total_dollar, 3);
  // Of two, s / sqrt(2) is half of what lies between them.
  EXPECT_NEAR(*mixnet.seconds, 12.706 * 3, 1e-9);
  EXPECT_NEAR(*mixnet.performance, 12.706 * 1, 1e-9);
  EXPECT_NEAR(found->widest, 12.706 * 3 / 23, 1e-9);
}

TEST(ReportSeeds, AFabricThatWasRunOnceHasNoInterval) {
  std::vector<ReportRow> rows = two_seeds();
  rows.erase(rows.begin() + 2);  // the fat-tree of seed 2
  const auto found = average_seeds(seed_sweep(4), rows);
  EXPECT_EQ(found->means[0].seconds, std::nullopt);
  EXPECT_EQ(found->means[0].row.run->iteration, Time::seconds(10));
  EXPECT_EQ(found->least, 1u);
}

TEST(ReportSeeds, FailedSeedsAndMissingPricesDoNotCount) {
  std::vector<ReportRow> rows = two_seeds();
  rows[1].run.reset();
  rows[2].run->performance_per_total_dollar = std::nullopt;
  const auto found = average_seeds(seed_sweep(4), rows);
  ASSERT_EQ(found->means.size(), 2u);
  EXPECT_THAT(found->means[1].of, ElementsAre(3));
  EXPECT_EQ(found->means[0].row.run->performance_per_total_dollar, std::nullopt);
  EXPECT_EQ(found->means[0].performance, std::nullopt);
}

TEST(ReportSeeds, WithoutSeveralSeedsThereIsNothingToAverage) {
  EXPECT_FALSE(average_seeds(testing_reports::sweep(), two_seeds()));
  SweepHead one = seed_sweep(4);
  one.axes[1].values.resize(1);
  EXPECT_FALSE(average_seeds(one, {}));
}

TEST(ReportSeeds, TheSummaryCountsMeansAndSaysHowSureTheyAre) {
  const std::vector<ReportRow> rows = two_seeds();
  const ReportSummary summary = summarize(seed_sweep(4), rows);
  EXPECT_THAT(summary.headline, HasSubstr("in the one comparison, 3.00x that of a fat-tree"));
  ASSERT_EQ(summary.cases.size(), 1u);
  EXPECT_EQ(summary.cases[0].name, "a");
  EXPECT_EQ(summary.reasons.back(),
            "Each case is a mean over 2 seeds; the 95 % interval of an iteration is at most "
            "\u00b1165.7 %.");
  EXPECT_THAT(summarize(seed_sweep(16), rows).reasons.back(), HasSubstr("2 seeds so far"));
}

}  // namespace
}  // namespace mixnet
