#include "moe/dynamic_routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr DynamicParameters kTypical{.static_median = 0.2,
                                     .static_spread = 0.5,
                                     .iteration_sd = 0.2,
                                     .rank_sd = 0.15,
                                     .topic_share = 0.8,
                                     .memory = 3};
constexpr RoutingShape kMixtral{.ep = 8, .experts = 8, .top_k = 2, .layers = 32, .tokens = 16'384};

TokenCounts counts_at(const DynamicRouting& routing, const RoutingShape& shape,
                      const RoutingPlace& place) {
  TokenCounts counts(static_cast<std::size_t>(shape.ep), static_cast<std::size_t>(shape.experts));
  routing.counts(place, counts);
  return counts;
}

TEST(DynamicRouting, WithoutAnyDeviationIsUniform) {
  const DynamicRouting routing(DynamicParameters{}, kMixtral, 1);
  const TokenCounts counts = counts_at(routing, kMixtral, {.iteration = 3, .layer = 5});
  EXPECT_THAT(counts.cells(), Each(4096));
}

TEST(DynamicRouting, KeepsSumsAndCapsForEveryShape) {
  for (const auto& parameters : {kTypical, DynamicParameters{.static_median = 4,
                                           .static_spread = 2,
                                           .iteration_sd = 4,
                                           .rank_sd = 4,
                                           .topic_share = 0.5,
                                           .memory = 1}}) {
    for (const RoutingShape& shape :
         {kMixtral, RoutingShape{.ep = 1, .experts = 1, .top_k = 1, .layers = 1, .tokens = 1},
          RoutingShape{.ep = 1, .experts = 8, .top_k = 8, .layers = 2, .tokens = 3},
          RoutingShape{.ep = 16, .experts = 64, .top_k = 4, .layers = 3, .tokens = 1000},
          RoutingShape{.ep = 64, .experts = 256, .top_k = 8, .layers = 2, .tokens = 4096},
          RoutingShape{.ep = 512, .experts = 512, .top_k = 1, .layers = 1, .tokens = 7},
          RoutingShape{.ep = 2, .experts = 8, .top_k = 2, .layers = 1, .tokens = 1 << 29}}) {
      const DynamicRouting routing(parameters, shape, 11);
      for (int i = 0; i < 20; ++i) {
        const TokenCounts counts = counts_at(
            routing, shape,
            {.iteration = i * i, .layer = i % shape.layers, .micro_batch = i % 3, .replica = i});
        for (std::size_t row = 0; row < counts.rows(); ++row) {
          std::int64_t sum = 0;
          for (const std::int32_t count : counts.row(row)) {
            ASSERT_GE(count, 0);
            ASSERT_LE(count, shape.tokens);
            sum += count;
          }
          ASSERT_EQ(sum, shape.row_total());
        }
      }
    }
  }
}

TEST(DynamicRouting, IsTheSameInAnyOrderAndWhenMadeAgain) {
  const DynamicRouting routing(kTypical, kMixtral, 5);
  const DynamicRouting again(kTypical, kMixtral, 5);
  std::vector<RoutingPlace> places;
  places.reserve(60);
  for (int i = 0; i < 60; ++i) places.push_back({i % 5, i % 7, i % 2, i % 3});
  std::vector<TokenCounts> forward;
  TokenCounts out(8, 8);
  for (const RoutingPlace& place : places) {
    routing.counts(place, out);
    forward.push_back(out);
  }
  for (std::size_t i = places.size(); i-- > 0;) {
    again.counts(places[i], out);
    EXPECT_EQ(out, forward[i]);
  }
}

// Written down once: what every machine must compute.
TEST(DynamicRouting, IsTheSameOnEveryMachine) {
  const RoutingShape shape{.ep = 2, .experts = 4, .top_k = 2, .layers = 4, .tokens = 10'000};
  const DynamicRouting routing(kTypical, shape, 42);
  const TokenCounts counts =
      counts_at(routing, shape, {.iteration = 9, .layer = 3, .micro_batch = 2, .replica = 1});
  EXPECT_THAT(counts.row(0), ElementsAre(5888, 4773, 5522, 3817));
  EXPECT_THAT(counts.row(1), ElementsAre(6355, 3920, 5855, 3870));

  std::uint64_t hash = 0;
  const DynamicRouting large(kTypical, kMixtral, 42);
  for (int i = 0; i < 1000; ++i) {
    const TokenCounts all = counts_at(large, kMixtral, {.iteration = i, .layer = i % 32});
    for (const std::int32_t count : all.cells()) {
      hash = mix64(hash ^ static_cast<std::uint64_t>(count));
    }
  }
  EXPECT_EQ(hash, 10136434471266009735ULL);
}

TEST(DynamicRouting, EverythingInAPlaceAndTheSeedMatters) {
  const DynamicRouting routing(kTypical, kMixtral, 5);
  const TokenCounts here = counts_at(routing, kMixtral, {1, 1, 1, 1});
  EXPECT_NE(here, counts_at(routing, kMixtral, {2, 1, 1, 1}));
  EXPECT_NE(here, counts_at(routing, kMixtral, {1, 2, 1, 1}));
  EXPECT_NE(here, counts_at(routing, kMixtral, {1, 1, 2, 1}));
  EXPECT_NE(here, counts_at(routing, kMixtral, {1, 1, 1, 2}));
  EXPECT_NE(here, counts_at(DynamicRouting(kTypical, kMixtral, 6), kMixtral, {1, 1, 1, 1}));
}

// With one source of variance at a time, logarithms of loads have the deviation that was asked for.
double log_deviation(const DynamicParameters& parameters, int iterations_apart, int experts) {
  const RoutingShape shape{
      .ep = 1, .experts = experts, .top_k = 1, .layers = 1000, .tokens = 100'000'000};
  const DynamicRouting routing(parameters, shape, 3);
  double squares = 0;
  for (int layer = 0; layer < shape.layers; ++layer) {
    const TokenCounts a = counts_at(routing, shape, {.iteration = 0, .layer = layer});
    const TokenCounts b =
        counts_at(routing, shape, {.iteration = iterations_apart, .layer = layer});
    std::vector<double> logs;
    logs.reserve(static_cast<std::size_t>(experts));
    for (int e = 0; e < experts; ++e) {
      logs.push_back(iterations_apart == 0 ? std::log(a(0, e))
                                           : std::log(a(0, e)) - std::log(b(0, e)));
    }
    const double mean = std::accumulate(logs.begin(), logs.end(), 0.0) / experts;
    for (const double x : logs) squares += (x - mean) * (x - mean) / (experts - 1);
  }
  return std::sqrt(squares / shape.layers);
}

TEST(DynamicRouting, HasTheDeviationsAskedFor) {
  EXPECT_NEAR(log_deviation({.static_median = 0.5}, 0, 64), 0.5, 0.01);
  // A log-normal of spread s has a root mean square of median * e^(s^2).
  EXPECT_NEAR(log_deviation({.static_median = 0.3, .static_spread = 0.3}, 0, 64),
              0.3 * std::exp(0.09), 0.02);
  EXPECT_NEAR(log_deviation({.iteration_sd = 0.4, .memory = 4}, 1000, 64), 0.4 * std::sqrt(2),
              0.02);
  EXPECT_NEAR(log_deviation({.rank_sd = 0.3}, 1, 64), 0.3 * std::sqrt(2), 0.02);
  EXPECT_NEAR(log_deviation({.static_median = 0.5}, 1, 64), 0, 1e-4);
  // Neighbouring iterations share knots, so they differ less than distant ones: of 4 phases, u = 0,
  // 1/4, 1/2, 3/4, the mean correlation of neighbours is 0.93.
  EXPECT_NEAR(log_deviation({.iteration_sd = 0.4, .memory = 4}, 1, 64),
              0.4 * std::sqrt(2 * (1 - 0.93)), 0.03);
}

TEST(DynamicRouting, TopicsTieLayersTogether) {
  // With topics alone, the changes of all layers lie in as many dimensions as there are topics
  // (two): a third change is a mix of two others.
  const RoutingShape shape{.ep = 1, .experts = 8, .top_k = 1, .layers = 6, .tokens = 1'000'000'000};
  const DynamicRouting routing({.iteration_sd = 0.3, .topic_share = 1, .memory = 1}, shape, 9);
  const auto logs = [&](int iteration) {
    std::vector<double> all;
    for (int layer = 0; layer < shape.layers; ++layer) {
      const TokenCounts counts =
          counts_at(routing, shape, {.iteration = iteration, .layer = layer});
      double mean = 0;
      for (int e = 0; e < 8; ++e) mean += std::log(counts(0, e)) / 8;
      for (int e = 0; e < 8; ++e) all.push_back(std::log(counts(0, e)) - mean);
    }
    return all;
  };
  std::vector<std::vector<double>> basis;
  for (int iteration = 0; iteration < 3; ++iteration) {
    std::vector<double> change = logs(iteration);
    const double before = std::inner_product(change.begin(), change.end(), change.begin(), 0.0);
    for (const std::vector<double>& b : basis) {
      const double along = std::inner_product(b.begin(), b.end(), change.begin(), 0.0);
      for (std::size_t i = 0; i < b.size(); ++i) change[i] -= along * b[i];
    }
    const double left = std::inner_product(change.begin(), change.end(), change.begin(), 0.0);
    if (iteration < 2) {
      EXPECT_GT(left, 1e-3 * before);
    }
    if (iteration == 2) {
      EXPECT_LT(left, 1e-6 * before);
    }
    for (double& x : change) x /= std::sqrt(left);
    basis.push_back(change);
  }
}

constexpr const char* kGood =
    "parameter,value\nstatic_median,0.2\nstatic_spread,0.5\niteration_sd,0.2\nrank_sd,0.15\n"
    "topic_share,0.8\nmemory,3\n";

TEST(DynamicParameters, AreReadByName) {
  EXPECT_EQ(parse_dynamic_parameters(kGood, "d.csv"), kTypical);
}

TEST(DynamicParameters, SayWhatIsWrong) {
  const auto message = [](std::string_view from, std::string_view to) -> std::string {
    std::string text = kGood;
    text.replace(text.find(from), from.size(), to);
    try {
      parse_dynamic_parameters(text, "d.csv");
    } catch (const Error& error) {
      return error.what();
    }
    return "fits";
  };
  EXPECT_THAT(message("parameter,value", "name,value"), HasSubstr("by its header"));
  EXPECT_THAT(message("rank_sd", "rank"), HasSubstr("has no parameter 'rank_sd'"));
  EXPECT_THAT(message("memory,3\n", "memory,3\nrank_sd,1\n"), HasSubstr("d.csv:8"));
  EXPECT_THAT(message("memory,3", "memory,0"), HasSubstr("0 is too small"));
  EXPECT_THAT(message("memory,3", "memory,1.5"), HasSubstr("not a whole number"));
  EXPECT_THAT(message("memory,3", "memory,1000000"), HasSubstr("too large"));
  EXPECT_THAT(message("topic_share,0.8", "topic_share,1.1"), HasSubstr("1.1 is too large"));
  EXPECT_THAT(message("0.15", "-1"), HasSubstr("-1 is too small"));
  EXPECT_THAT(message("0.15", "nan"), HasSubstr("not a number"));
}

}  // namespace
}  // namespace mixnet
