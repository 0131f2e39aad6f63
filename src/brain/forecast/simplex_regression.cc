#include "forecast/simplex_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr double kNextToNothing = 1e-12;
constexpr int kMaxWindow = 100'000;

void add_scaled(std::span<double> to, std::span<const double> what, double factor) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
}

/// to += sum over i < count of factor(i) * row(i). Four rows at a time, so that `to` is read and
/// written once for four products.
template <typename Row, typename Factor>
void add_combination(std::span<double> to, std::size_t count, Row row, Factor factor) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const double* const a = row(i);
    const double* const b = row(i + 1);
    const double* const c = row(i + 2);
    const double* const d = row(i + 3);
    const double fa = factor(i);
    const double fb = factor(i + 1);
    const double fc = factor(i + 2);
    const double fd = factor(i + 3);
    double* const out = to.data();
    for (std::size_t e = 0; e < to.size(); ++e) {
      out[e] += (fa * a[e] + fb * b[e]) + (fc * c[e] + fd * d[e]);
    }
  }
  for (; i < count; ++i) add_scaled(to, {row(i), to.size()}, factor(i));
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

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
  if (keeps_gram_) {
    gram_ = Matrix<double>(size, size);
    cross_ = Matrix<double>(size, size);
  }
  columns_ = Matrix<double>(size, size, 1.0 / static_cast<double>(size));
}

std::span<const double> SimplexRegression::record(std::size_t age,
                                                  const Matrix<double>& ring) const {
  return ring.row((next_ + ring.rows() - 1 - age) % ring.rows());
}

void SimplexRegression::change_gram(std::span<const double> x, std::span<const double> y,
                                    double weight) {
  for (std::size_t f = 0; f < size_; ++f) {
    add_scaled(gram_.row(f), x, weight * x[f]);
    add_scaled(cross_.row(f), y, weight * x[f]);
  }
}

void SimplexRegression::add(std::span<const double> x, std::span<const double> y) {
  const std::span<double> own_x = inputs_.row(next_);
  const std::span<double> own_y = outputs_.row(next_);
  if (keeps_gram_) {
    for (double& cell : gram_.cells()) cell *= options_.decay;
    for (double& cell : cross_.cells()) cell *= options_.decay;
    if (count_ == inputs_.rows()) change_gram(own_x, own_y, -oldest_weight_);
    change_gram(x, y, 1);
  }
  std::ranges::copy(x, own_x.begin());
  std::ranges::copy(y, own_y.begin());
  next_ = (next_ + 1) % inputs_.rows();
  count_ = std::min(count_ + 1, inputs_.rows());

  trace_ = 0;
  output_square_ = 0;
  double weight = 1;
  for (std::size_t age = 0; age < count_; ++age, weight *= options_.decay) {
    const std::span<const double> in = record(age, inputs_);
    const std::span<const double> out = record(age, outputs_);
    trace_ += weight * dot(in, in);
    output_square_ += weight * dot(out, out);
  }
}

double SimplexRegression::from_records(SimplexWorkspace& work) const {
  double sum = 0;
  double weight = 1;
  for (std::size_t age = 0; age < count_; ++age, weight *= options_.decay) {
    const std::span<const double> x = record(age, inputs_);
    const std::span<const double> y = record(age, outputs_);
    const std::span<double> residual = work.residuals.row(age);
    for (std::size_t e = 0; e < size_; ++e) residual[e] = -y[e];
    add_combination(
        residual, size_, [&](std::size_t f) { return work.ahead.row(f).data(); },
        [&](std::size_t f) { return x[f]; });
    sum += weight * dot(residual, residual);
    for (double& value : residual) value *= 2 * weight;
  }
  for (std::size_t f = 0; f < size_; ++f) {
    const std::span<double> slope = work.gradient.row(f);
    std::ranges::fill(slope, 0.0);
    add_combination(
        slope, count_, [&](std::size_t age) { return work.residuals.row(age).data(); },
        [&](std::size_t age) { return record(age, inputs_)[f]; });
  }
  return sum;
}

// sum w |y - P x|^2 = <P A, P> - 2 <P, B> + sum w |y|^2.
double SimplexRegression::from_gram(SimplexWorkspace& work) const {
  double sum = output_square_;
  for (std::size_t f = 0; f < size_; ++f) {
    const std::span<double> slope = work.gradient.row(f);
    const std::span<const double> cross = cross_.row(f);
    const std::span<const double> own = work.ahead.row(f);
    std::ranges::fill(slope, 0.0);
    add_combination(
        slope, size_, [&](std::size_t g) { return work.ahead.row(g).data(); },
        [&](std::size_t g) { return gram_(f, g); });
    for (std::size_t e = 0; e < size_; ++e) {
      sum += own[e] * (slope[e] - 2 * cross[e]);
      slope[e] = 2 * (slope[e] - cross[e]);
    }
  }
  return std::max(sum, 0.0);
}

/// F at work.ahead; leaves its gradient in work.gradient.
double SimplexRegression::evaluate(SimplexWorkspace& work) const {
  const double misfit = keeps_gram_ ? from_gram(work) : from_records(work);
  if (options_.ridge == 0) return misfit;
  double distance = 0;
  const std::span<const double> here = work.ahead.cells();
  const std::span<const double> before = work.before.cells();
  const std::span<double> slope = work.gradient.cells();
  for (std::size_t i = 0; i < here.size(); ++i) {
    const double away = here[i] - before[i];
    distance += away * away;
    slope[i] += 2 * options_.ridge * away;
  }
  return misfit + options_.ridge * distance;
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
    const std::span<const double> here = columns_.cells();
    const std::span<const double> back = work.last.cells();
    const std::span<double> ahead = work.ahead.cells();
    for (std::size_t i = 0; i < here.size(); ++i) ahead[i] = here[i] + push * (here[i] - back[i]);
  }
  return outcome;
}

void SimplexRegression::predict(std::span<const double> x, std::span<double> y) const {
  std::ranges::fill(y, 0.0);
  add_combination(
      y, size_, [&](std::size_t f) { return columns_.row(f).data(); },
      [&](std::size_t f) { return x[f]; });
}

}  // namespace mixnet
