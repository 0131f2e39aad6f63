#include "forecast/copilot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

// The pull of the weights to the first guess, against the guesses' mean squared error.
constexpr double kPull = 1e-3;

/// P times every row.
Matrix<double> through(const SimplexRegression& regression, const Matrix<double>& rows) {
  Matrix<double> out(rows.rows(), rows.columns());
  for (std::size_t r = 0; r < rows.rows(); ++r) regression.predict(rows.row(r), out.row(r));
  return out;
}

/// Rows less their mean, which is returned.
std::vector<double> split_mean(Matrix<double>& rows) {
  std::vector<double> mean = load_of(rows);
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::span<double> row = rows.row(r);
    for (std::size_t e = 0; e < row.size(); ++e) row[e] -= mean[e];
  }
  return mean;
}

/// The point of the simplex that minimises a' E a + pull |a - first corner|^2. Exact line search
/// along every pair of entries in turn, which for so few entries soon arrives.
template <std::size_t N>
std::array<double, N> best_combination(const std::array<std::array<double, N>, N>& errors,
                                       double pull) {
  constexpr int kSweeps = 200;
  std::array<double, N> a = {1};
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double moved = 0;
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = i + 1; j < N; ++j) {
        double slope = pull * ((a[i] - (i == 0 ? 1 : 0)) - (a[j] - (j == 0 ? 1 : 0)));
        for (std::size_t k = 0; k < N; ++k) slope += (errors[i][k] - errors[j][k]) * a[k];
        const double curvature = errors[i][i] - 2 * errors[i][j] + errors[j][j] + 2 * pull;
        if (!(curvature > 0)) continue;
        const double step = std::clamp(-slope / curvature, -a[i], a[j]);
        a[i] = std::max(a[i] + step, 0.0);
        a[j] = std::max(a[j] - step, 0.0);
        moved = std::max(moved, std::abs(step));
      }
    }
    if (moved < 1e-9) break;
  }
  return a;
}

void add_scaled(std::span<double> to, std::span<const double> what, double factor) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
}

template <std::size_t N>
void decay(std::array<std::array<double, N>, N>& errors, double factor) {
  for (auto& row : errors) {
    for (double& cell : row) cell *= factor;
  }
}

}  // namespace

RoutingShares shares_of(const TokenCounts& counts) {
  RoutingShares shares(counts.rows(), counts.columns());
  for (std::size_t r = 0; r < counts.rows(); ++r) {
    double sum = 0;
    for (const std::int32_t count : counts.row(r)) sum += count;
    for (std::size_t e = 0; e < counts.columns(); ++e) {
      shares(r, e) = sum > 0 ? counts(r, e) / sum : 1.0 / static_cast<double>(counts.columns());
    }
  }
  return shares;
}

std::vector<double> load_of(const RoutingShares& shares) {
  std::vector<double> load(shares.columns(), 0.0);
  for (std::size_t r = 0; r < shares.rows(); ++r) {
    for (std::size_t e = 0; e < load.size(); ++e) load[e] += shares(r, e);
  }
  for (double& value : load) value /= static_cast<double>(shares.rows());
  return load;
}

Copilot::Copilot(std::size_t layers, std::size_t ranks, std::size_t experts,
                 const CopilotOptions& options)
    : ranks_(ranks),
      experts_(experts),
      options_(options),
      load_over_layers_(layers, 1, experts, 1.0 / static_cast<double>(experts),
                        options.cross_layer),
      deviation_over_layers_(layers, ranks, experts, 0, options.cross_layer) {
  if (!(options.average_rate > 0 && options.average_rate <= 1 && options.error_decay > 0 &&
        options.error_decay <= 1)) {
    throw Error("copilot",
                fmt::format("an average rate of {} or an error decay of {} is out of range",
                            options.average_rate, options.error_decay),
                "give each above 0 and up to 1");
  }
  const RoutingShares uniform(ranks, experts, 1.0 / static_cast<double>(experts));
  layers_.reserve(layers);
  for (std::size_t l = 0; l < layers; ++l) {
    layers_.push_back({SimplexRegression(experts, options.regression), uniform, uniform, uniform,
                       Matrix<double>(1, experts), Matrix<double>(ranks, experts)});
  }
}

RoutingForecast Copilot::predict_published(std::size_t layer) const {
  RoutingForecast forecast;
  forecast.shares =
      layer == 0 ? layers_[0].average : through(layers_[layer].regression, layers_[layer - 1].now);
  forecast.load = load_of(forecast.shares);
  return forecast;
}

void Copilot::guess(std::size_t layer) {
  const Layer& own = layers_[layer];
  Guesses& now = guesses_;
  now.load_crossed = load_over_layers_.predict();
  now.deviation_crossed = deviation_over_layers_.predict();
  split_mean(now.deviation_crossed);
  now.deviation[kLast] = own.last;
  now.load[kLast] = split_mean(now.deviation[kLast]);
  now.deviation[kPublished] =
      layer == 0 ? own.average : through(own.regression, layers_[layer - 1].now);
  now.load[kPublished] = split_mean(now.deviation[kPublished]);

  now.load[kCrossed].assign(load_over_layers_.mean().begin(), load_over_layers_.mean().end());
  add_scaled(now.load[kCrossed], now.load_crossed.cells(), 1);
  now.deviation[kCrossed] = now.deviation_crossed;
  now.load[kCorrected] = now.load[kLast];
  now.deviation[kCorrected] = now.deviation[kLast];
  add_scaled(now.load[kCorrected], now.load_crossed.cells(), 1);
  add_scaled(now.load[kCorrected], own.load_crossed.cells(), -1);
  add_scaled(now.deviation[kCorrected].cells(), now.deviation_crossed.cells(), 1);
  add_scaled(now.deviation[kCorrected].cells(), own.deviation_crossed.cells(), -1);
  project_onto_simplex(now.load[kCrossed]);
  project_onto_simplex(now.load[kCorrected]);
  guessed_ = true;
}

template <std::size_t N>
std::array<double, N> Copilot::weights(const Errors<N>& own, const Errors<N>& all, double layers) {
  Errors<N> errors = own;
  double mean = 0;
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j < N; ++j) errors[i][j] += all[i][j] / layers;
    mean += errors[i][i] / static_cast<double>(N);
  }
  return best_combination(errors, kPull * mean);
}

std::array<double, 4> Copilot::load_weights(std::size_t layer) const {
  return weights(layers_[layer].load_errors, all_load_errors_, static_cast<double>(layers_.size()));
}

RoutingForecast Copilot::predict(std::size_t layer) {
  if (layer != next_layer_) {
    throw Error("copilot", fmt::format("layer {} is predicted before layer {}", layer, next_layer_),
                "observe the layers before it first");
  }
  if (!guessed_) guess(layer);
  const std::array<double, kLoadGuesses> level = load_weights(layer);
  const std::array<double, kDeviationGuesses> apart = weights(
      layers_[layer].deviation_errors, all_deviation_errors_, static_cast<double>(layers_.size()));
  RoutingForecast forecast;
  forecast.load.assign(experts_, 0.0);
  for (std::size_t g = 0; g < kLoadGuesses; ++g) {
    for (std::size_t e = 0; e < experts_; ++e) forecast.load[e] += level[g] * guesses_.load[g][e];
  }
  forecast.shares = RoutingShares(ranks_, experts_);
  for (std::size_t r = 0; r < ranks_; ++r) {
    const std::span<double> row = forecast.shares.row(r);
    std::ranges::copy(forecast.load, row.begin());
    for (std::size_t g = 0; g + 1 < kDeviationGuesses; ++g) {
      const std::span<const double> deviation = guesses_.deviation[g].row(r);
      for (std::size_t e = 0; e < experts_; ++e) row[e] += apart[g] * deviation[e];
    }
    project_onto_simplex(row);
  }
  return forecast;
}

void Copilot::count_errors(std::size_t layer) {
  Layer& own = layers_[layer];
  RoutingShares apart = own.now;
  const std::vector<double> load = split_mean(apart);
  decay(own.load_errors, options_.error_decay);
  decay(own.deviation_errors, options_.error_decay);
  for (std::size_t e = 0; e < experts_; ++e) {
    std::array<double, kLoadGuesses> error;
    for (std::size_t g = 0; g < kLoadGuesses; ++g) error[g] = guesses_.load[g][e] - load[e];
    for (std::size_t g = 0; g < kLoadGuesses; ++g) {
      for (std::size_t h = 0; h < kLoadGuesses; ++h) {
        own.load_errors[g][h] += error[g] * error[h];
        all_load_errors_[g][h] += error[g] * error[h];
      }
    }
  }
  for (std::size_t i = 0; i < apart.cells().size(); ++i) {
    std::array<double, kDeviationGuesses> error;
    for (std::size_t g = 0; g + 1 < kDeviationGuesses; ++g) {
      error[g] = guesses_.deviation[g].cells()[i] - apart.cells()[i];
    }
    error.back() = -apart.cells()[i];
    for (std::size_t g = 0; g < kDeviationGuesses; ++g) {
      for (std::size_t h = 0; h < kDeviationGuesses; ++h) {
        own.deviation_errors[g][h] += error[g] * error[h];
        all_deviation_errors_[g][h] += error[g] * error[h];
      }
    }
  }
}

void Copilot::observe(std::size_t layer, const RoutingShares& shares) {
  if (layer != next_layer_) {
    throw Error("copilot", fmt::format("layer {} is observed before layer {}", layer, next_layer_),
                "give the layers in their order");
  }
  if (shares.rows() != ranks_ || shares.columns() != experts_) {
    throw Error("copilot",
                fmt::format("shares of {} ranks x {} experts", shares.rows(), shares.columns()),
                fmt::format("give {} x {}", ranks_, experts_));
  }
  if (layer == 0) {
    ++iterations_;
    decay(all_load_errors_, options_.error_decay);
    decay(all_deviation_errors_, options_.error_decay);
  }
  Layer& own = layers_[layer];
  own.now = shares;
  // The first iteration has no iteration before it: its errors would say nothing.
  if (!guessed_) guess(layer);
  if (iterations_ > 1) count_errors(layer);
  own.load_crossed = std::move(guesses_.load_crossed);
  own.deviation_crossed = std::move(guesses_.deviation_crossed);
  Matrix<double> apart = shares;
  Matrix<double> load(1, experts_);
  std::ranges::copy(split_mean(apart), load.row(0).begin());
  load_over_layers_.observe(load);
  deviation_over_layers_.observe(apart);
  if (layer > 0) {
    own.regression.add(load_of(layers_[layer - 1].now), load_of(own.now));
    own.regression.solve(work_);
  }
  guessed_ = false;
  if (++next_layer_ < layers_.size()) return;
  next_layer_ = 0;
  const double rate = std::max(1.0 / static_cast<double>(iterations_), options_.average_rate);
  for (Layer& each : layers_) {
    for (std::size_t i = 0; i < each.now.cells().size(); ++i) {
      each.average.cells()[i] += rate * (each.now.cells()[i] - each.average.cells()[i]);
    }
    each.last = each.now;
  }
}

}  // namespace mixnet
