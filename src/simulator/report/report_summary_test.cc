#include "report/report_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

#include "report/test_report_folder.h"

namespace mixnet {
namespace {

using testing::HasSubstr;
using testing_reports::row;
using testing_reports::sweep;

/// The sweep of which `rows` are all.
SweepHead whole(std::span<const ReportRow> rows) {
  SweepHead head = sweep();
  head.points = rows.size();
  return head;
}

TEST(ReportSummary, OfAnUnfinishedSweepSaysSoFar) {
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2)};
  EXPECT_THAT(summarize(sweep(), rows).headline, HasSubstr("in the one comparison so far, 2.00x"));
  EXPECT_THAT(summarize(whole(rows), rows).headline, HasSubstr("in the one comparison, 2.00x"));
}

TEST(ReportSummary, SaysWhatToTakeAndWhy) {
  // Half as fast for a quarter of the price.
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2),
                            row({0, 0, 1, 0}, 5, 16e6, 1), row({0, 0, 1, 1}, 10, 4e6, 2)};
  const ReportSummary summary = summarize(whole(rows), rows);
  EXPECT_EQ(summary.headline,
            "Take mixnet at 100 Gb/s: it gives the most tokens per dollar of the cluster in "
            "all 2 comparisons, 2.00x that of a fat-tree of the same speed.");
  ASSERT_EQ(summary.reasons.size(), 2u);
  EXPECT_EQ(summary.reasons[0],
            "No other fabric or speed buys more for a dollar than mixnet at 100 Gb/s.");
  EXPECT_EQ(summary.reasons[1],
            "Where only time counts, take fat-tree at 400 Gb/s, the fastest in the one case; at "
            "the same speed, fat-tree is fastest in all 2 comparisons.");
  ASSERT_EQ(summary.cases.size(), 1u);
  EXPECT_EQ(summary.cases[0].name, "a, degree 6");
  EXPECT_EQ(summary.cases[0].advice,
            "Take mixnet at 100 Gb/s: 5.00 M tokens per dollar of the cluster, 2.00x a fat-tree's; "
            "next, 50.0 % behind, fat-tree at 100 Gb/s.");
}

TEST(ReportSummary, AFabricWithoutAnAxisCountsInAllOfIt) {
  // The fat-tree has no degree: its one run is compared with both of mixnet's.
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2),
                            row({0, 1, 0, 1}, 80, 1e6, 0.5)};
  const ReportSummary summary = summarize(whole(rows), rows);
  ASSERT_EQ(summary.cases.size(), 2u);
  EXPECT_THAT(summary.cases[0].advice, HasSubstr("Take mixnet"));
  EXPECT_THAT(summary.cases[1].advice, HasSubstr("Take fat-tree"));
}

TEST(ReportSummary, WhereAFatTreeWinsItSaysHowFarMixNetGets) {
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 4e6, 0.5),
                            row({0, 1, 0, 1}, 80, 4e6, 0.125)};
  const ReportSummary summary = summarize(whole(rows), rows);
  EXPECT_EQ(summary.headline,
            "Take fat-tree at 100 Gb/s: it gives the most tokens per dollar of the cluster "
            "in all 2 comparisons.");
  EXPECT_EQ(summary.reasons.back(),
            "mixnet gives 0.12x to 0.50x the performance per dollar of a fat-tree, most at 100 "
            "Gb/s with a, degree 6.");
}

TEST(ReportSummary, OfFabricsThatWinAsOftenTheOneWhoseDollarBuysMostIsTaken) {
  // At 100 Gb/s a fat-tree, at 400 mixnet; of all four mixnet at 400 gives most.
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 11, 4e6, 0.9),
                            row({0, 0, 1, 0}, 9, 4e6, 1), row({0, 0, 1, 1}, 5, 4e6, 1.8)};
  const ReportSummary summary = summarize(whole(rows), rows);
  EXPECT_THAT(summary.headline, HasSubstr("Take mixnet at 400 Gb/s: "));
  EXPECT_THAT(summary.headline, HasSubstr("in 1 of 2 comparisons"));
}

TEST(ReportSummary, NamesTies) {
  const ReportRow rows[] = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 10.2, 4e6, 0.98)};
  EXPECT_EQ(summarize(sweep(), rows).cases[0].advice,
            "Take fat-tree at 100 Gb/s: 2.50 M tokens per dollar of the cluster, 1.00x a "
            "fat-tree's; a tie with it, as far as the models are known to be off: mixnet at 100 "
            "Gb/s.");
}

TEST(ReportSummary, WhereThereIsNoChoiceItSaysWhatWasFound) {
  const ReportRow alone[] = {row({0, 0, 0, 1}, 20, 1e6, 2), row({0, 1, 0, 1}, 10, 1e6, 4)};
  EXPECT_EQ(summarize(sweep(), alone).headline,
            "An iteration takes 10.0 s to 20.0 s; shortest on mixnet at 100 Gb/s (point 6).");
  const ReportRow near[] = {row({0, 0, 0, 1}, 13, 1e6, 2), row({0, 1, 0, 1}, 9.96, 1e6, 4)};
  EXPECT_THAT(summarize(sweep(), near).headline, HasSubstr("takes 10.0 s to 13.0 s;"));
  const ReportRow short_ones[] = {row({0, 0, 0, 1}, 0.013, 1e6, 2),
                                  row({0, 1, 0, 1}, 0.0004, 1e6, 4)};
  EXPECT_THAT(summarize(sweep(), short_ones).headline, HasSubstr("takes 0.4 ms to 13.0 ms;"));
  ReportRow failed = alone[0];
  failed.run.reset();
  EXPECT_EQ(summarize(sweep(), {&failed, 1}).headline, "No point could be simulated.");
  EXPECT_TRUE(summarize(sweep(), {&failed, 1}).cases.empty());
}

}  // namespace
}  // namespace mixnet
