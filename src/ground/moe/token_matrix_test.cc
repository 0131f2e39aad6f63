#include "moe/token_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::int64_t row_sum(const TokenCounts& counts, std::size_t row) {
  return std::accumulate(counts.row(row).begin(), counts.row(row).end(), std::int64_t{0});
}

TEST(UniformCounts, SpreadsWhatDoesNotDivide) {
  const TokenCounts counts =
      uniform_counts({.ep = 2, .experts = 4, .top_k = 2, .layers = 1, .tokens = 5});
  EXPECT_THAT(counts.row(0), ElementsAre(3, 3, 2, 2));
  EXPECT_THAT(counts.row(1), ElementsAre(2, 2, 3, 3));
}

TEST(TileTokenMatrix, SplitsARanksShareAmongItsExperts) {
  const Matrix<double> weights = parse_token_matrix("1,3\n1,1\n", "w.csv");
  const TokenCounts counts = tile_token_matrix(
      weights, {.ep = 2, .experts = 4, .top_k = 1, .layers = 1, .tokens = 800}, false, "w.csv");
  EXPECT_THAT(counts.row(0), ElementsAre(100, 100, 300, 300));
  EXPECT_THAT(counts.row(1), ElementsAre(200, 200, 200, 200));
}

TEST(TileTokenMatrix, RepeatsASmallMatrix) {
  const Matrix<double> weights = parse_token_matrix("1,3\n1,1\n", "w.csv");
  const TokenCounts counts = tile_token_matrix(
      weights, {.ep = 4, .experts = 4, .top_k = 1, .layers = 1, .tokens = 80}, false, "w.csv");
  EXPECT_THAT(counts.row(0), ElementsAre(10, 30, 10, 30));
  EXPECT_THAT(counts.row(3), ElementsAre(20, 20, 20, 20));
}

TEST(TileTokenMatrix, TakesAMatrixToExpertsAsItIs) {
  const Matrix<double> weights = parse_token_matrix("1,2,3,4\n4,3,2,1\n", "w.csv");
  const TokenCounts counts = tile_token_matrix(
      weights, {.ep = 2, .experts = 4, .top_k = 1, .layers = 1, .tokens = 10}, false, "w.csv");
  EXPECT_THAT(counts.row(0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(counts.row(1), ElementsAre(4, 3, 2, 1));
}

TEST(TileTokenMatrix, AgreesWithTheFormulaWrittenOut) {
  Random random(7);
  Matrix<double> weights(8, 8);
  for (double& weight : weights.cells()) weight = random.uniform() + 1e-3;
  for (const int ep : {1, 2, 4, 8, 12, 16, 64}) {
    const int local = 1 + static_cast<int>(random.below(5));
    const RoutingShape shape{
        .ep = ep, .experts = ep * local, .top_k = 1, .layers = 1, .tokens = 100'003};
    const TokenCounts counts = tile_token_matrix(weights, shape, true, "w.csv");
    for (int i = 0; i < ep; ++i) {
      double row = 0;
      for (int j = 0; j < ep; ++j) row += weights(i % 8, j % 8);
      for (int e = 0; e < shape.experts; ++e) {
        const double share =
            static_cast<double>(shape.row_total()) * weights(i % 8, e / local % 8) / row / local;
        EXPECT_NEAR(counts(i, e), share, 1.001);
      }
      EXPECT_EQ(row_sum(counts, i), shape.row_total());
    }
  }
}

struct BadMatrix {
  const char* text;
  const char* message;
};

TEST(ParseTokenMatrix, SaysWhatIsWrong) {
  const BadMatrix cases[] = {
      {"", "w.csv: holds no rows"},
      {"1,2\n3\n", "w.csv:2: has 1 values"},
      {"1,nan\n1,1\n", "w.csv:1 (column '2'): 'nan' is not a number"},
      {"1,inf\n1,1\n", "'inf' is not a number"},
      {"1,-2\n1,1\n", "w.csv:1 (column '2'): -2 is too small"},
      {"1,2\n0,0\n", "w.csv:2 (column '1'): the row is all zero"},
      {"1,two\n1,1\n", "'two' is not a number"},
  };
  for (const BadMatrix& bad : cases) {
    try {
      parse_token_matrix(bad.text, "w.csv");
      ADD_FAILURE() << "took " << bad.text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.message));
    }
  }
}

TEST(TileTokenMatrix, SaysWhatDoesNotFit) {
  const auto message = [](const char* text, int ep, int experts, bool crop) -> std::string {
    const RoutingShape shape{.ep = ep, .experts = experts, .top_k = 1, .layers = 1, .tokens = 10};
    try {
      tile_token_matrix(parse_token_matrix(text, "w.csv"), shape, crop, "w.csv");
    } catch (const Error& error) {
      return error.what();
    }
    return "fits";
  };
  EXPECT_THAT(message("1,2,3\n1,2,3\n", 4, 8, false), HasSubstr("2 x 3, which is not square"));
  EXPECT_THAT(message("1,2,3\n1,2,3\n1,2,3\n", 4, 8, false), HasSubstr("does not divide EP 4"));
  EXPECT_THAT(message("1,2,3\n1,2,3\n1,2,3\n", 2, 8, false), HasSubstr("does not divide EP 2"));
  EXPECT_THAT(message("0,1\n1,1\n", 1, 1, true), HasSubstr("row 1 is all zero in the columns"));
  EXPECT_EQ(message("1,2,3\n1,2,3\n1,2,3\n", 4, 8, true), "fits");
}

}  // namespace
}  // namespace mixnet
