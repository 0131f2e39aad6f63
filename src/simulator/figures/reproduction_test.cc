#include "figures/reproduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

const FigureSeries& series(const FigurePanel& panel, std::string_view name) {
  return *std::ranges::find(panel.series, name, &FigureSeries::name);
}

double y_at(const FigureSeries& series, double x) {
  return std::ranges::find(series.points, x, &FigurePoint::x)->y;
}

TEST(Reproduction, KnowsTheElevenFiguresOfTheDigest) {
  EXPECT_THAT(figure_names(),
              ElementsAre("cost", "iteration", "pareto", "failures", "optical-io", "copilot",
                          "eps-links", "batch", "scale", "degree", "delay"));
}

TEST(Reproduction, UnknownFiguresAreRefused) {
  EXPECT_THROW(reproduce({.figures = {"cost", "costs"}}), Error);
}

// Table 4: 400 Gb/s electrical NIC 1499 + 6 * 659 + 5 * 1090 + 3 * 150 = 11353 USD, optical
// 1499 + 659 + 520 + 150 = 2828 USD; so 8 * 11353 against 2 * 11353 + 6 * 2828 a server.
TEST(Reproduction, CostIsThatOfThePriceList) {
  const std::vector<Figure> figures = reproduce({.figures = {"cost"}});
  ASSERT_EQ(figures.size(), 1);
  const Figure& cost = figures[0];
  ASSERT_EQ(cost.panels.size(), 4);
  const FigurePanel& at_400 = cost.panels[2];
  EXPECT_EQ(at_400.title, "400 Gb/s");
  EXPECT_DOUBLE_EQ(y_at(series(at_400, "fat-tree"), 1024), 128 * 8 * 11353);
  EXPECT_DOUBLE_EQ(y_at(series(at_400, "mixnet"), 1024), 128 * (2 * 11353 + 6 * 2828));
  EXPECT_EQ(cost.verdicts.size(), 5);
  for (const FigureVerdict& verdict : cost.verdicts) {
    EXPECT_EQ(verdict.holds, Holds::kYes) << verdict.claim;
  }
  EXPECT_EQ(cost.verdicts[2].ours, "2.29x");
}

TEST(Reproduction, OneRunOrManyThreadsOrOneGiveTheSame) {
  const std::vector<Figure> both =
      reproduce({.figures = {"eps-links", "cost", "cost"}, .threads = 3});
  ASSERT_EQ(both.size(), 2);
  EXPECT_EQ(both[0], reproduce({.figures = {"cost"}})[0]);
  EXPECT_EQ(both[1], reproduce({.figures = {"eps-links"}})[0]);
}

// With uniform routing and nothing fitted MixNet with optical I/O is ahead, as published.
TEST(Reproduction, OpticalIoIsAheadOfNvl72) {
  const Figure figure = reproduce({.figures = {"optical-io"}, .threads = 2})[0];
  ASSERT_EQ(figure.verdicts.size(), 2);
  EXPECT_EQ(figure.verdicts[0].holds, Holds::kYes);
  EXPECT_EQ(figure.verdicts[1].holds, Holds::kYes);
  for (const FigureSeries& one : figure.panels[0].series) {
    for (const FigurePoint& point : one.points) EXPECT_GT(point.y, 1);
  }
  ASSERT_EQ(figure.checks.size(), 2);
  for (const FigureCheck& check : figure.checks) {
    EXPECT_LT(std::abs(check.difference()), 0.05) << check.what;
  }
}

}  // namespace
}  // namespace mixnet
