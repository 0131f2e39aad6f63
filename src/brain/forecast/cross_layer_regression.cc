#include "forecast/cross_layer_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "forecast/eigen_view.h"
// Behind the switches in eigen_view.h.
#include <Eigen/Cholesky>

namespace mixnet {
namespace {

// Added to the ridge, so that records that differ by rounding alone say nothing. Rows are shares.
constexpr double kRounding = 1e-12;

}  // namespace

CrossLayerRegression::CrossLayerRegression(std::size_t layers, std::size_t rows, std::size_t size,
                                           double start, const CrossLayerOptions& options)
    : rows_(rows),
      size_(size),
      capacity_(static_cast<std::size_t>(std::clamp(options.records, 1, 1000))),
      ridge_(options.ridge) {
  if (layers < 1 || rows < 1 || size < 1) {
    throw Error("regression", fmt::format("{} layers, {} rows of {}", layers, rows, size),
                "give each at least 1");
  }
  if (options.records < 1 || options.records > 1000) {
    throw Error("records", fmt::format("{} is out of range", options.records), "keep 1 to 1000");
  }
  if (!(options.ridge > 0 && std::isfinite(options.ridge))) {
    throw Error("ridge", fmt::format("{} is out of range", options.ridge), "give more than 0");
  }
  centred_.assign(layers, Matrix<double>(size, capacity_));
  mean_.assign(layers, std::vector<double>(size, start));
  now_.assign(layers, Matrix<double>(rows, size));
  products_ = Matrix<double>(capacity_, capacity_);
  matches_ = Matrix<double>(rows, capacity_);
}

Matrix<double> CrossLayerRegression::predict() {
  Matrix<double> forecast(rows_, size_);
  if (layer_ == 0 || count_ < 2) return forecast;
  const auto count = eigen_size(count_);
  EigenRows system = eigen_view(products_).topLeftCorner(count, count);
  const double ridge = kRounding + ridge_ * system.diagonal().mean();
  system.diagonal().array() += ridge;
  // Pivots keep it safe where rounding leaves next to nothing.
  const Eigen::LDLT<EigenRows, Eigen::Lower> factors(system);
  const EigenRows weights = factors.solve(eigen_view(matches_).leftCols(count).transpose());
  eigen_view(forecast).noalias() =
      weights.transpose() * eigen_view(centred_[layer_]).leftCols(count).transpose();
  return forecast;
}

/// The layer's part of K and k.
void CrossLayerRegression::add_products(const Matrix<double>& rows) {
  if (count_ == 0) return;
  const auto count = eigen_size(count_);
  const auto records = eigen_view(centred_[layer_]).leftCols(count);
  eigen_view(products_)
      .topLeftCorner(count, count)
      .selfadjointView<Eigen::Lower>()
      .rankUpdate(records.transpose());
  const auto mean = eigen_view(std::span<const double>(mean_[layer_]));
  const EigenRows differences = eigen_view(rows).rowwise() - mean.transpose();
  eigen_view(matches_).leftCols(count).noalias() += differences * records;
}

void CrossLayerRegression::keep_iteration() {
  const std::size_t taken = std::min(rows_, capacity_);
  const std::size_t count = std::min(count_ + taken, capacity_);
  for (std::size_t l = 0; l < now_.size(); ++l) {
    for (std::size_t e = 0; e < size_; ++e) {
      const std::span<double> records = centred_[l].row(e);
      double& mean = mean_[l][e];
      for (double& value : records.first(count_)) value += mean;
      for (std::size_t i = 0; i < taken; ++i) {
        records[(next_ + i) % capacity_] = now_[l]((first_row_ + i) % rows_, e);
      }
      mean = 0;
      for (const double value : records.first(count)) mean += value;
      mean /= static_cast<double>(count);
      for (double& value : records.first(count)) value -= mean;
    }
  }
  count_ = count;
  next_ = (next_ + taken) % capacity_;
  first_row_ = (first_row_ + taken) % rows_;
  std::ranges::fill(products_.cells(), 0.0);
  std::ranges::fill(matches_.cells(), 0.0);
}

void CrossLayerRegression::observe(const Matrix<double>& rows) {
  if (rows.rows() != rows_ || rows.columns() != size_) {
    throw Error("regression", fmt::format("{} rows of {}", rows.rows(), rows.columns()),
                fmt::format("give {} of {}", rows_, size_));
  }
  now_[layer_] = rows;
  if (layer_ + 1 < now_.size()) {
    add_products(rows);
    ++layer_;
    return;
  }
  layer_ = 0;
  keep_iteration();
}

}  // namespace mixnet
