#include "forecast/cross_layer_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"

namespace mixnet {
namespace {

// Added to the ridge, so that records that differ by rounding alone say nothing. Rows are shares.
constexpr double kRounding = 1e-12;

void add_scaled(std::span<double> to, std::span<const double> what, double factor) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
}

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
  factor_ = Matrix<double>(capacity_, capacity_);
}

/// L with L L' = K + ridge.
void CrossLayerRegression::factorise() {
  double ridge = kRounding;
  for (std::size_t i = 0; i < count_; ++i) {
    ridge += ridge_ * products_(i, i) / static_cast<double>(count_);
  }
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = products_(i, j) + (i == j ? ridge : 0);
      for (std::size_t k = 0; k < j; ++k) sum -= factor_(i, k) * factor_(j, k);
      // The ridge alone leaves every pivot above 0 but for rounding.
      factor_(i, j) = i == j ? std::sqrt(std::max(sum, kRounding)) : sum / factor_(j, j);
    }
  }
}

/// k becomes a.
void CrossLayerRegression::solve(std::span<double> k) const {
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < i; ++j) k[i] -= factor_(i, j) * k[j];
    k[i] /= factor_(i, i);
  }
  for (std::size_t i = count_; i-- > 0;) {
    k[i] /= factor_(i, i);
    add_scaled(k.first(i), factor_.row(i), -k[i]);
  }
}

Matrix<double> CrossLayerRegression::predict() {
  Matrix<double> forecast(rows_, size_);
  if (layer_ == 0 || count_ < 2) return forecast;
  factorise();
  std::vector<double> weights(count_);
  for (std::size_t r = 0; r < rows_; ++r) {
    std::ranges::copy(matches_.row(r).first(count_), weights.begin());
    solve(weights);
    for (std::size_t e = 0; e < size_; ++e) {
      const std::span<const double> records = centred_[layer_].row(e);
      for (std::size_t i = 0; i < count_; ++i) forecast(r, e) += weights[i] * records[i];
    }
  }
  return forecast;
}

/// The layer's part of K and k.
void CrossLayerRegression::add_products(const Matrix<double>& rows) {
  for (std::size_t e = 0; e < size_; ++e) {
    const std::span<const double> records = centred_[layer_].row(e).first(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      add_scaled(products_.row(i).first(i + 1), records, records[i]);
    }
    for (std::size_t r = 0; r < rows_; ++r) {
      add_scaled(matches_.row(r).first(count_), records, rows(r, e) - mean_[layer_][e]);
    }
  }
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
