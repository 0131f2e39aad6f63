#include "forecast/cross_layer_regression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

Matrix<double> random_rows(std::size_t rows, std::size_t size, Random& random) {
  Matrix<double> made(rows, size);
  for (double& cell : made.cells()) cell = random.normal();
  return made;
}

Matrix<double> one_row(const std::vector<double>& values) {
  Matrix<double> row(1, values.size());
  std::ranges::copy(values, row.row(0).begin());
  return row;
}

/// x with a x = b, by Gauss-Jordan; a is symmetric and positive definite.
std::vector<double> solution(Matrix<double> a, std::vector<double> b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      if (j == i) continue;
      const double factor = a(j, i) / a(i, i);
      for (std::size_t k = 0; k < b.size(); ++k) a(j, k) -= factor * a(i, k);
      b[j] -= factor * b[i];
    }
  }
  for (std::size_t i = 0; i < b.size(); ++i) b[i] /= a(i, i);
  return b;
}

// The independent computation: ridge regression on features, one number of the layer at a time,
// (Z'Z + ridge) w = Z'y, where the class under test never forms Z'Z.
TEST(CrossLayerRegression, IsRidgeRegressionOnAllLayersBefore) {
  constexpr std::size_t kLayers = 4;
  constexpr std::size_t kSize = 3;
  constexpr std::size_t kRecords = 6;
  constexpr double kRidge = 0.3;
  Random random(1);
  CrossLayerRegression regression(kLayers, 1, kSize, 0,
                                  {.records = static_cast<int>(kRecords), .ridge = kRidge});
  std::vector<std::vector<Matrix<double>>> all;  // iterations, layers
  for (int iteration = 0; iteration < 9; ++iteration) {
    std::vector<Matrix<double>>& now = all.emplace_back();
    for (std::size_t l = 0; l < kLayers; ++l) now.push_back(random_rows(1, kSize, random));
    for (std::size_t l = 0; l < kLayers; ++l) {
      const Matrix<double> forecast = regression.predict();
      if (iteration == 8 && l > 0) {
        const auto mean = [&](std::size_t layer, std::size_t e) {
          double sum = 0;
          for (std::size_t i = 8 - kRecords; i < 8; ++i) sum += all[i][layer](0, e);
          return sum / kRecords;
        };
        const auto feature = [&](std::size_t i, std::size_t f) {
          return all[i][f / kSize](0, f % kSize) - mean(f / kSize, f % kSize);
        };
        const std::size_t features = l * kSize;
        Matrix<double> square(features, features);
        double trace = 0;
        for (std::size_t f = 0; f < features; ++f) {
          for (std::size_t g = 0; g < features; ++g) {
            for (std::size_t i = 2; i < 8; ++i) square(f, g) += feature(i, f) * feature(i, g);
          }
          trace += square(f, f);
        }
        for (std::size_t f = 0; f < features; ++f) square(f, f) += kRidge * trace / kRecords;
        for (std::size_t e = 0; e < kSize; ++e) {
          std::vector<double> cross(features);
          for (std::size_t f = 0; f < features; ++f) {
            for (std::size_t i = 2; i < 8; ++i) {
              cross[f] += feature(i, f) * (all[i][l](0, e) - mean(l, e));
            }
          }
          const std::vector<double> w = solution(square, cross);
          double expected = 0;
          for (std::size_t f = 0; f < features; ++f) expected += w[f] * feature(8, f);
          EXPECT_NEAR(forecast(0, e), expected, 1e-9) << "layer " << l;
          EXPECT_NEAR(regression.mean()[e], mean(l, e), 1e-12);
        }
      }
      regression.observe(now[l]);
    }
  }
}

// Rows follow two hidden numbers, in every layer in another way, under noise: the more layers have
// been seen, the closer the forecast, and soon it is near the noise.
TEST(CrossLayerRegression, FindsWhatLayersHaveInCommon) {
  constexpr std::size_t kLayers = 8;
  constexpr std::size_t kSize = 6;
  Random random(2);
  Matrix<double> loading[2] = {random_rows(kLayers, kSize, random),
                               random_rows(kLayers, kSize, random)};
  CrossLayerRegression regression(kLayers, 4, kSize, 0);
  std::vector<double> error(kLayers);
  double noise = 0;
  double size = 0;
  for (int iteration = 0; iteration < 60; ++iteration) {
    const Matrix<double> topic = random_rows(4, 2, random);
    for (std::size_t l = 0; l < kLayers; ++l) {
      const Matrix<double> forecast = regression.predict();
      Matrix<double> real(4, kSize);
      for (std::size_t r = 0; r < 4; ++r) {
        for (std::size_t e = 0; e < kSize; ++e) {
          const double own = 0.2 * random.normal();
          real(r, e) = 5 + topic(r, 0) * loading[0](l, e) + topic(r, 1) * loading[1](l, e) + own;
          if (iteration < 10) continue;
          const double miss = forecast(r, e) + regression.mean()[e] - real(r, e);
          error[l] += miss * miss;
          noise += own * own / kLayers;
          size += (real(r, e) - 5) * (real(r, e) - 5) / kLayers;
        }
      }
      regression.observe(real);
    }
  }
  EXPECT_GT(error[0], 0.3 * size);
  EXPECT_LT(error[1], 0.5 * error[0]);
  EXPECT_LT(error[7], 0.6 * error[1]);
  EXPECT_LT(error[7], 2.5 * noise);
}

TEST(CrossLayerRegression, BeginsWithoutRecords) {
  CrossLayerRegression regression(2, 1, 2, 0.5);
  for (int iteration = 0; iteration < 2; ++iteration) {
    for (const double mean : {0.9, 0.1}) {
      EXPECT_EQ(regression.predict(), Matrix<double>(1, 2));
      EXPECT_EQ(regression.mean()[0], iteration == 0 ? 0.5 : mean);
      regression.observe(one_row({mean, 1 - mean}));
    }
    EXPECT_EQ(regression.records(), iteration + 1U);
  }
}

// Two records and five rows: rows 0 and 1 are kept of the first iteration, then 2 and 3, 4 and 0.
TEST(CrossLayerRegression, TakesRowsInTurn) {
  CrossLayerRegression regression(1, 5, 1, 0, {.records = 2});
  Matrix<double> rows(5, 1);
  for (std::size_t r = 0; r < 5; ++r) rows(r, 0) = static_cast<double>(r);
  for (const double mean : {0.5, 2.5, 2.0, 1.5, 3.5}) {
    regression.observe(rows);
    EXPECT_EQ(regression.records(), 2U);
    EXPECT_DOUBLE_EQ(regression.mean()[0], mean);
  }
}

// Records that differ by rounding alone do not make a forecast out of something new.
TEST(CrossLayerRegression, LearnsNothingFromRounding) {
  CrossLayerRegression regression(2, 1, 3, 0);
  for (int iteration = 0; iteration < 50; ++iteration) {
    for (int l = 0; l < 2; ++l) regression.observe(one_row({0.1, 0.2 + 1e-17 * iteration, 0.7}));
  }
  regression.observe(one_row({0.6, 0.3, 0.1}));
  const Matrix<double> forecast = regression.predict();
  for (const double value : forecast.cells()) EXPECT_NEAR(value, 0, 1e-9);
}

TEST(CrossLayerRegression, RefusesWhatMakesNoSense) {
  EXPECT_THROW(CrossLayerRegression(0, 1, 1, 0), Error);
  EXPECT_THROW(CrossLayerRegression(1, 0, 1, 0), Error);
  EXPECT_THROW(CrossLayerRegression(1, 1, 0, 0), Error);
  EXPECT_THROW(CrossLayerRegression(1, 1, 1, 0, {.records = 0}), Error);
  EXPECT_THROW(CrossLayerRegression(1, 1, 1, 0, {.records = 1001}), Error);
  EXPECT_THROW(CrossLayerRegression(1, 1, 1, 0, {.records = 1, .ridge = 0}), Error);
  EXPECT_THROW(CrossLayerRegression(1, 1, 1, 0, {.records = 1, .ridge = NAN}), Error);
  CrossLayerRegression regression(1, 2, 3, 0);
  EXPECT_THROW(regression.observe(Matrix<double>(3, 2)), Error);
}

}  // namespace
}  // namespace mixnet
