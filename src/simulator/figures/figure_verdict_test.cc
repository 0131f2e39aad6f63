#include "figures/figure_verdict.h"

#include <gtest/gtest.h>

#include <vector>

namespace mixnet {
namespace {

TEST(FigureVerdict, FactorIsHeldToTenPercentThenToItsSideOfOne) {
  EXPECT_EQ(judge_factor(1.5, 1.5), Holds::kYes);
  EXPECT_EQ(judge_factor(1.5, 1.64), Holds::kYes);
  EXPECT_EQ(judge_factor(1.5, 1.37), Holds::kYes);
  EXPECT_EQ(judge_factor(1.5, 1.66), Holds::kPartly);
  EXPECT_EQ(judge_factor(1.5, 1.02), Holds::kPartly);
  EXPECT_EQ(judge_factor(1.5, 1.005), Holds::kNo);
  EXPECT_EQ(judge_factor(1.5, 0.9), Holds::kNo);
  EXPECT_EQ(judge_factor(0.5, 0.8), Holds::kPartly);
  EXPECT_EQ(judge_factor(0.5, 1.2), Holds::kNo);
}

TEST(FigureVerdict, RangeIsHeldAtBothEnds) {
  const FigureRange published{1.2, 1.5};
  EXPECT_EQ(judge_range(published, {1.2, 1.5}), Holds::kYes);
  EXPECT_EQ(judge_range(published, {1.10, 1.64}), Holds::kYes);
  EXPECT_EQ(judge_range(published, {1.3, 1.31}), Holds::kYes);
  EXPECT_EQ(judge_range(published, {1.3, 1.7}), Holds::kPartly);
  EXPECT_EQ(judge_range(published, {0.9, 1.4}), Holds::kPartly);
  EXPECT_EQ(judge_range(published, {0.8, 0.9}), Holds::kNo);
}

TEST(FigureVerdict, EqualityIsThatOfEveryCase) {
  EXPECT_EQ(judge_equality(std::vector{1.0, 1.09, 0.92}), Holds::kYes);
  EXPECT_EQ(judge_equality(std::vector{1.0, 1.2}), Holds::kPartly);
  EXPECT_EQ(judge_equality(std::vector{1.3, 1.2}), Holds::kNo);
}

TEST(FigureVerdict, OverheadIsHeldToOnePointThenMayBeLess) {
  EXPECT_EQ(judge_overhead(0.033, {0.033, 0.033}), Holds::kYes);
  EXPECT_EQ(judge_overhead(0.033, {0.025, 0.042}), Holds::kYes);
  EXPECT_EQ(judge_overhead(0.033, {0.0, 0.007}), Holds::kPartly);  // costs less
  EXPECT_EQ(judge_overhead(0.033, {0.0, 0.2}), Holds::kPartly);    // encloses it
  EXPECT_EQ(judge_overhead(0.033, {0.05, 0.2}), Holds::kNo);
}

TEST(FigureVerdict, TextsHaveTheirUnit) {
  EXPECT_EQ(factor_text(1.517), "1.52x");
  EXPECT_EQ(factor_text(FigureRange{1.2, 1.5}), "1.20x to 1.50x");
  EXPECT_EQ(factor_text(FigureRange{1.201, 1.202}), "1.20x");
  EXPECT_EQ(percent_text(0.0331), "+3.3 %");
  EXPECT_EQ(percent_text(-0.0001), "+0.0 %");
  EXPECT_EQ(percent_text(FigureRange{-0.002, 0.107}), "-0.2 % to +10.7 %");
}

TEST(FigureVerdict, RangeAndMeanAreThoseOfTheValues) {
  const std::vector<double> values = {2, 1, 4, 1};
  EXPECT_EQ(range_of(values).least, 1);
  EXPECT_EQ(range_of(values).most, 4);
  EXPECT_EQ(mean_of(values), 2);
}

}  // namespace
}  // namespace mixnet
