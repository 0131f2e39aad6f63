#include "forecast/simplex_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "forecast/eigen_view.h"

namespace mixnet {
namespace {

constexpr double kNextToNothing = 1e-12;
constexpr int kMaxWindow = 100'000;

void check(const SimplexRegressionOptions& options) {
  const auto refuse = [](const char* what, double value, const char* remedy) {
    throw Error(what, fmt::format("{} is out of range", value), remedy);
  };
  if (options.window < 1 || options.window > kMaxWindow) {
    refuse("window", options.window, "keep 1 to 100000 records");
  }
  if (!(options.decay > 0 && options.decay <= 1)) {
    refuse("decay", options.decay, "give a weight above 0 and up to 1");
  }
  if (!(options.ridge >= 0 && std::isfinite(options.ridge))) {
    refuse("ridge", options.ridge, "give 0 or more");
  }
  if (!(options.tolerance > 0 && options.tolerance < 1)) {
    refuse("tolerance", options.tolerance, "give a share of the optimum between 0 and 1");
  }
}

}  // namespace

// The projection is max(v - t, 0) for the t that makes the sum 1: the root of a convex falling
// function, found by Newton's method. From any start the second guess is at or below the root and
// the guesses rise from there, so the entries thought positive only get fewer; when their number
// stays, they are the right ones.
void project_onto_simplex(std::span<double> v, double& threshold) {
  const std::size_t size = v.size();
  std::size_t positive = 0;
  for (std::size_t guess = 0; guess < size + 8; ++guess) {
    double sums[4] = {};  // four, as one would wait for its own last addition
    std::size_t counts[4] = {};
    for (std::size_t i = 0; i < size; ++i) {
      const bool in = v[i] > threshold;
      sums[i % 4] += in ? v[i] : 0.0;
      counts[i % 4] += in ? 1 : 0;
    }
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    const std::size_t count = (counts[0] + counts[1]) + (counts[2] + counts[3]);
    // From the third guess on, more can only come of rounding.
    if (count > 0 && (count == positive || (guess > 2 && count > positive))) break;
    if (count == 0) {
      // The start lies above all: the largest less 1 is a start at or below the root.
      threshold = *std::ranges::max_element(v) - 1;
      continue;
    }
    positive = count;
    threshold = (sum - 1) / static_cast<double>(count);
  }
  for (double& value : v) value = std::max(value - threshold, 0.0);
}

void project_onto_simplex(std::span<double> v) {
  double threshold = *std::ranges::max_element(v) - 1;
  project_onto_simplex(v, threshold);
}

SimplexRegression::SimplexRegression(std::size_t size, const SimplexRegressionOptions& options)
    : size_(size), options_(options) {
  check(options);
  if (size < 1) throw Error("size", "there are no loads", "give at least 1 expert");
  const auto window = static_cast<std::size_t>(options.window);
  oldest_weight_ = std::pow(options.decay, options.window);
  keeps_gram_ = window > size / 2;
  inputs_ = Matrix<double>(window, size);
  outputs_ = Matrix<double>(window, size);
  weights_.assign(window, 0.0);
  if (keeps_gram_) {
    gram_ = Matrix<double>(size, size);
    cross_ = Matrix<double>(size, size);
  }
  columns_ = Matrix<double>(size, size, 1.0 / static_cast<double>(size));
}

void SimplexRegression::change_gram(std::span<const double> x, std::span<const double> y,
                                    double weight) {
  const auto in = eigen_view(x);
  eigen_view(gram_).noalias() += weight * in * in.transpose();
  eigen_view(cross_).noalias() += weight * in * eigen_view(y).transpose();
}

void SimplexRegression::add(std::span<const double> x, std::span<const double> y) {
  const std::span<double> own_x = inputs_.row(next_);
  const std::span<double> own_y = outputs_.row(next_);
  if (keeps_gram_) {
    eigen_view(gram_) *= options_.decay;
    eigen_view(cross_) *= options_.decay;
    if (count_ == inputs_.rows()) change_gram(own_x, own_y, -oldest_weight_);
    change_gram(x, y, 1);
  }
  std::ranges::copy(x, own_x.begin());
  std::ranges::copy(y, own_y.begin());
  for (double& weight : weights_) weight *= options_.decay;
  weights_[next_] = 1;
  next_ = (next_ + 1) % inputs_.rows();
  count_ = std::min(count_ + 1, inputs_.rows());

  const auto weights = eigen_view(std::span<const double>(weights_));
  trace_ = weights.dot(eigen_view(inputs_).rowwise().squaredNorm());
  output_square_ = weights.dot(eigen_view(outputs_).rowwise().squaredNorm());
}

double SimplexRegression::from_records(SimplexWorkspace& work) const {
  const auto inputs = eigen_view(inputs_).topRows(eigen_size(count_));
  const auto outputs = eigen_view(outputs_).topRows(eigen_size(count_));
  const auto weights = eigen_view(std::span<const double>(weights_).first(count_));
  auto residuals = eigen_view(work.residuals).topRows(eigen_size(count_));
  residuals = -outputs;
  residuals.noalias() += inputs * eigen_view(work.ahead);
  const double sum = weights.dot(residuals.rowwise().squaredNorm());
  residuals.array().colwise() *= 2 * weights.array();
  eigen_view(work.gradient).noalias() = inputs.transpose() * residuals;
  return sum;
}

// sum w |y - P x|^2 = <P A, P> - 2 <P, B> + sum w |y|^2.
double SimplexRegression::from_gram(SimplexWorkspace& work) const {
  const auto own = eigen_view(work.ahead);
  const auto cross = eigen_view(cross_);
  auto slope = eigen_view(work.gradient);
  slope.noalias() = eigen_view(gram_) * own;
  slope -= cross;
  const double sum = output_square_ + own.cwiseProduct(slope - cross).sum();
  slope *= 2;
  return std::max(sum, 0.0);
}

/// F at work.ahead; leaves its gradient in work.gradient.
double SimplexRegression::evaluate(SimplexWorkspace& work) const {
  const double misfit = keeps_gram_ ? from_gram(work) : from_records(work);
  if (options_.ridge == 0) return misfit;
  const auto away = eigen_view(work.ahead) - eigen_view(work.before);
  eigen_view(work.gradient) += 2 * options_.ridge * away;
  return misfit + options_.ridge * away.squaredNorm();
}

SimplexRegression::Outcome SimplexRegression::solve(SimplexWorkspace& work) {
  Outcome outcome;
  if (count_ == 0) return outcome;
  work.before = columns_;
  work.ahead = columns_;
  work.last = columns_;
  if (work.gradient.rows() != size_) work.gradient = Matrix<double>(size_, size_);
  if (!keeps_gram_ && (work.residuals.rows() < count_ || work.residuals.columns() != size_)) {
    work.residuals = Matrix<double>(inputs_.rows(), size_);
  }
  work.thresholds.assign(size_, 0.0);

  const double curvature = 2 * (trace_ + options_.ridge);  // no less than the largest eigenvalue
  const double step = 1 / curvature;
  const double enough = kNextToNothing * output_square_;
  double momentum = 1;
  while (outcome.steps < options_.max_steps) {
    ++outcome.steps;
    const double value = evaluate(work);
    std::swap(work.last, columns_);  // last: where we are; columns_: where we go
    // With g the gradient at `ahead`, convexity gives F* >= value + <g, corner - ahead>, and the
    // curvature F(new) <= value + <g, new - ahead> + curvature / 2 |new - ahead|^2.
    double to_new = 0;
    double to_corner = 0;
    double square = 0;
    double uphill = 0;
    for (std::size_t f = 0; f < size_; ++f) {
      const std::span<const double> slope = work.gradient.row(f);
      const std::span<const double> from = work.ahead.row(f);
      const std::span<const double> here = work.last.row(f);
      const std::span<double> to = columns_.row(f);
      for (std::size_t e = 0; e < size_; ++e) to[e] = from[e] - step * slope[e];
      project_onto_simplex(to, work.thresholds[f]);
      double lowest = slope[0];
      for (std::size_t e = 0; e < size_; ++e) {
        const double way = to[e] - from[e];
        to_new += slope[e] * way;
        to_corner -= slope[e] * from[e];
        square += way * way;
        uphill -= way * (to[e] - here[e]);
        lowest = std::min(lowest, slope[e]);
      }
      to_corner += lowest;
    }
    outcome.objective = std::max(value + to_new + curvature / 2 * square, 0.0);
    outcome.gap = to_new - to_corner + curvature / 2 * square;
    if (options_.ridge > 0) {
      // F is at least 2 r convex, so F* >= F(new) + (1 / curvature - 1 / (2 r)) / 2 |G|^2 with
      // G = curvature * (ahead - new): much the closer of the two bounds near the optimum.
      const double slope_square = curvature * curvature * square;
      const double closer = slope_square * (1 / (2 * options_.ridge) - 1 / curvature) / 2;
      outcome.gap = std::min(outcome.gap, closer);
    }
    const double optimum = std::max(outcome.objective - outcome.gap, 0.0);
    if (outcome.gap <= std::max(options_.tolerance * optimum, enough)) break;

    if (uphill > 0) momentum = 1;
    const double next = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    const double push = (momentum - 1) / next;
    momentum = next;
    const auto here = eigen_view(columns_);
    eigen_view(work.ahead) = here + push * (here - eigen_view(work.last));
  }
  return outcome;
}

void SimplexRegression::predict(std::span<const double> x, std::span<double> y) const {
  eigen_view(y).noalias() = eigen_view(columns_).transpose() * eigen_view(x);
}

}  // namespace mixnet
