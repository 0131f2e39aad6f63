// Copilot: what the gate of a layer will decide, guessed before it has, from what gates decided so
// far. With it the circuits of the first all-to-all of a layer can be set during attention.
//
// What is predicted is shares: row r says which part of EP rank r's token copies goes to each
// expert; the mean of the rows is the load. There are two predictors.
//
// Published (MixNet, SIGCOMM 2025, appendix B.1): a column-stochastic matrix P for each layer,
// fitted to pairs (load of the layer before, load of this layer) of the last iterations
// (simplex_regression.h). The prediction is P x. Since P is linear it holds for every rank as for
// their mean, so rank r's row is P times its row in the layer before.
//
// Ours looks at what it was the last time, and at all layers so far. The load is a convex
// combination of four guesses:
//     y'           as in the iteration before
//     K            from all layers before, by the iterations of the past that they look like
//                  (cross_layer_regression.h)
//     y' + K - K'  as in the iteration before, corrected by how K has changed since then
//     P x          published
// and every rank's deviation from the load a convex combination of the same four's, and of none; K
// is there fitted to the ranks' deviations.
// The weights minimise the squared errors that such combinations would have made so far, those of
// recent iterations counting more and those of the layer as much as the mean over all layers; a
// slight pull to "as in the iteration before" decides where the past does not.
//
// Layer 0 has no layer before it: there the published prediction is the running average, and K the
// mean of the records. Before anything was observed all predictions are uniform.
//
// What circuits should be allocated for is not quite the forecast: demand_hedge.h.
//
// Plain state, no clock, no thread, no randomness. Not thread-safe. Memory per layer: P, the
// records (window x experts x 2, and 64 x experts) and 5 shares. Cost of predict() and observe()
// together: one solve() of the regression, O(ranks * experts^2) to send every rank through P, and
// two steps of cross-layer regression; `control_bench` measures it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "forecast/cross_layer_regression.h"
#include "forecast/simplex_regression.h"
#include "moe/token_counts.h"

namespace mixnet {

/// Rows: EP ranks. Columns: experts. Every row is >= 0 and adds up to 1.
using RoutingShares = Matrix<double>;

/// A row without any token counts as uniform.
RoutingShares shares_of(const TokenCounts& counts);

/// The mean of the rows: the normalised expert load.
std::vector<double> load_of(const RoutingShares& shares);

struct RoutingForecast {
  std::vector<double> load;  ///< of the experts, sum 1
  RoutingShares shares;      ///< by rank; their mean is `load`, but for what negative shares cost
};

struct CopilotOptions {
  SimplexRegressionOptions regression;
  CrossLayerOptions cross_layer;
  double average_rate = 0.1;  ///< of the running average, once 1 / (iterations + 1) is below it
  double error_decay = 0.95;  ///< weight of an iteration's errors against the next one's
};

class Copilot {
 public:
  /// Throws Error on sizes below 1 or options out of range.
  Copilot(std::size_t layers, std::size_t ranks, std::size_t experts,
          const CopilotOptions& options = {});

  /// What `layer` will do in the iteration under way. Layers before it were observed in it.
  RoutingForecast predict_published(std::size_t layer) const;
  RoutingForecast predict(std::size_t layer);

  /// What `layer` did. Layers come in their order, 0 to layers - 1, iteration by iteration; throws
  /// Error otherwise, or on shares of another size.
  void observe(std::size_t layer, const RoutingShares& shares);

  /// Of ours at present: the weights of the four guesses at the load, in the order above.
  std::array<double, 4> load_weights(std::size_t layer) const;
  const SimplexRegression& regression(std::size_t layer) const { return layers_[layer].regression; }

 private:
  enum Guess : std::uint8_t { kLast, kCrossed, kCorrected, kPublished };
  static constexpr std::size_t kLoadGuesses = 4;
  static constexpr std::size_t kDeviationGuesses = 5;
  /// Sums of products of the guesses' errors.
  template <std::size_t N>
  using Errors = std::array<std::array<double, N>, N>;

  struct Layer {
    SimplexRegression regression;
    RoutingShares now, last, average;
    Matrix<double> load_crossed, deviation_crossed;  // K' less the records' mean
    Errors<kLoadGuesses> load_errors = {};
    Errors<kDeviationGuesses> deviation_errors = {};
  };

  /// The guesses for one layer at one moment. The fifth deviation, none, is not stored.
  struct Guesses {
    std::array<std::vector<double>, kLoadGuesses> load;
    std::array<Matrix<double>, kDeviationGuesses - 1> deviation;
    Matrix<double> load_crossed, deviation_crossed;  // K less the records' mean
  };

  void guess(std::size_t layer);
  void count_errors(std::size_t layer);
  template <std::size_t N>
  static std::array<double, N> weights(const Errors<N>& own, const Errors<N>& all, double layers);

  std::size_t ranks_;
  std::size_t experts_;
  CopilotOptions options_;
  std::vector<Layer> layers_;
  Errors<kLoadGuesses> all_load_errors_ = {};
  Errors<kDeviationGuesses> all_deviation_errors_ = {};
  std::size_t next_layer_ = 0;
  long iterations_ = 0;  // begun
  Guesses guesses_;
  bool guessed_ = false;  // guesses_ are for next_layer_
  CrossLayerRegression load_over_layers_, deviation_over_layers_;
  SimplexWorkspace work_;
};

}  // namespace mixnet
