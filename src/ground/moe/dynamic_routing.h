// A generator of expert popularity, for routing that changes as it does in training.
//
// Every EP rank's row is a softmax over the experts; the logit of expert e in layer l is
//
//   static[l][e]                                   skew of the layer, for good
//   + sum over k of topic_k * loading[l][e][k]     what the text is about, felt by all layers
//   + drift[l][e](iteration)                       the layer's own change
//   + own[place][rank][e]                          the rank's own text, in this layer alone
//
// with topic_k = shared_k(iteration) + rank_k(iteration, micro-batch, replica, rank). All terms are
// independent with zero mean (sums of four uniform numbers, nearly normal, at most 3.5 standard
// deviations out). static's deviation varies from layer to layer (log-normal). shared_k and drift
// are correlated over iterations: random values at knots `memory` iterations apart, joined with
// weights sqrt(1-u), sqrt(u), which keep the variance, so iterations more than two knots apart are
// independent and any iteration is reached directly. That layers share topics is what makes
// one layer's load tell of the next one's. Micro-batches and replicas differ because their ranks'
// texts differ, and by nothing else.
//
// Counts are the shares of tokens * top_k, rounded with a random offset (apportion.h); no cell
// exceeds `tokens`. The parameters' values are fitted to real data: docs/routing.md.
//
// All arithmetic after make time is on integers (16 fractional bits, logits in base 2), so the
// counts are the same on every machine. Immutable, const use is thread-safe. Memory:
// 12 bytes per layer and expert; counts() allocates nothing and costs O(ep * experts).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "moe/token_counts.h"

namespace mixnet {

/// Standard deviations are of natural logarithms of a load.
struct DynamicParameters {
  double static_median = 0;  ///< of the layers' static deviations
  double static_spread = 0;  ///< deviation of the logarithm of those
  double iteration_sd = 0;   ///< change over iterations: topics and drift together
  double rank_sd = 0;        ///< between ranks: topics and own together
  double topic_share = 0;    ///< of the variance of those two that goes through topics
  int memory = 1;            ///< iterations between knots
  bool operator==(const DynamicParameters&) const = default;
};

/// Reads CSV `parameter,value`, each parameter above once by its name. Throws Error.
DynamicParameters parse_dynamic_parameters(std::string_view text, std::string_view input);

class DynamicRouting {
 public:
  /// Precondition: parameters within the ranges that parse_dynamic_parameters() allows.
  DynamicRouting(const DynamicParameters& parameters, const RoutingShape& shape,
                 std::uint64_t seed);

  /// Fills `out`, which has the shape's size. place.layer is below shape.layers.
  void counts(const RoutingPlace& place, TokenCounts& out) const;

 private:
  static constexpr int kTopics = 2;
  using Topics = std::array<std::int64_t, kTopics>;

  struct ExpertTraits {
    std::int32_t skew = 0;
    std::array<std::int32_t, kTopics> loading = {};
  };

  void fill_layer(int layer, const DynamicParameters& parameters);
  std::int64_t over_time(std::uint64_t stream, int iteration, std::uint64_t lane) const;

  RoutingShape shape_;
  std::uint64_t seed_;
  std::int64_t iteration_topic_ = 0;  ///< deviations, as base-2 logits with 16 fractional bits
  std::int64_t iteration_drift_ = 0;
  std::int64_t rank_topic_ = 0;
  std::int64_t rank_own_ = 0;
  std::vector<std::int32_t> knot_weights_;  ///< sqrt(i / memory), i = 0..memory; 16 bits
  std::vector<ExpertTraits> traits_;        ///< layers x experts
};

}  // namespace mixnet
