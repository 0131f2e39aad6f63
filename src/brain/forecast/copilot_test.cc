#include "forecast/copilot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

RoutingShares random_shares(std::size_t ranks, std::size_t experts, Random& random) {
  RoutingShares shares(ranks, experts);
  for (std::size_t r = 0; r < ranks; ++r) {
    double sum = 0;
    for (double& share : shares.row(r)) sum += share = std::exp(random.normal());
    for (double& share : shares.row(r)) share /= sum;
  }
  return shares;
}

/// Row by row, 0.8 through "expert f hands on to f + 1", 0.2 anywhere.
RoutingShares next_layer(const RoutingShares& before) {
  const std::size_t experts = before.columns();
  RoutingShares shares(before.rows(), experts);
  for (std::size_t r = 0; r < before.rows(); ++r) {
    for (std::size_t f = 0; f < experts; ++f) {
      shares(r, (f + 1) % experts) = 0.8 * before(r, f) + 0.2 / static_cast<double>(experts);
    }
  }
  return shares;
}

double load_error(const RoutingForecast& forecast, const RoutingShares& real) {
  const std::vector<double> load = load_of(real);
  double sum = 0;
  for (std::size_t e = 0; e < load.size(); ++e) sum += std::abs(forecast.load[e] - load[e]);
  return sum / 2;
}

double share_error(const RoutingForecast& forecast, const RoutingShares& real) {
  double sum = 0;
  for (std::size_t i = 0; i < real.cells().size(); ++i) {
    sum += std::abs(forecast.shares.cells()[i] - real.cells()[i]);
  }
  return sum / 2 / static_cast<double>(real.rows());
}

TEST(RoutingShares, ComeFromCounts) {
  TokenCounts counts(3, 2);
  counts(0, 0) = 30;
  counts(0, 1) = 10;
  counts(1, 0) = 1;
  const RoutingShares shares = shares_of(counts);  // rank 2 sends nothing: uniform
  EXPECT_EQ(shares(0, 0), 0.75);
  EXPECT_EQ(shares(1, 1), 0);
  EXPECT_EQ(shares(2, 0), 0.5);
  EXPECT_EQ(load_of(shares), (std::vector<double>{0.75, 0.25}));
}

TEST(Copilot, PredictsUniformBeforeItKnows) {
  Copilot copilot(2, 2, 4);
  for (const double load : copilot.predict(0).load) EXPECT_EQ(load, 0.25);
  for (const double load : copilot.predict_published(0).load) EXPECT_EQ(load, 0.25);
  Random random(1);
  copilot.observe(0, random_shares(2, 4, random));
  for (const double load : copilot.predict(1).load) EXPECT_NEAR(load, 0.25, 1e-15);
}

// Every iteration is new, but a layer follows from the one before it: published and ours learn it,
// for the ranks one by one, too. What was an iteration ago is of no use, and gets no weight.
TEST(Copilot, LearnsAChainFromLayerToLayer) {
  Random random(2);
  Copilot copilot(2, 4, 5);
  double published = 0;
  double ours = 0;
  double ranks = 0;
  for (int iteration = 0; iteration < 100; ++iteration) {
    const RoutingShares first = random_shares(4, 5, random);
    const RoutingShares second = next_layer(first);
    copilot.predict(0);
    copilot.observe(0, first);
    if (iteration >= 80) {
      published += load_error(copilot.predict_published(1), second) / 20;
      ours += load_error(copilot.predict(1), second) / 20;
      ranks += share_error(copilot.predict(1), second) / 20;
    }
    copilot.observe(1, second);
  }
  EXPECT_LT(published, 0.01);
  EXPECT_LT(ours, 0.01);
  EXPECT_LT(ranks, 0.03);
  EXPECT_LT(copilot.load_weights(1)[0], 0.05);
}

// Nothing changes from one iteration to the next: ours repeats it exactly, ranks and all.
TEST(Copilot, RepeatsWhatDoesNotChange) {
  Random random(3);
  const std::vector<RoutingShares> layers = {
      random_shares(3, 8, random), random_shares(3, 8, random), random_shares(3, 8, random)};
  Copilot copilot(3, 3, 8);
  for (int iteration = 0; iteration < 50; ++iteration) {
    for (std::size_t l = 0; l < 3; ++l) {
      if (iteration > 0) {
        const RoutingForecast forecast = copilot.predict(l);
        EXPECT_LT(load_error(forecast, layers[l]), 1e-12) << iteration;
        EXPECT_LT(share_error(forecast, layers[l]), 1e-12) << iteration;
      }
      copilot.observe(l, layers[l]);
    }
  }
}

// A fixed pattern under noise that is new each time: the average is the best guess, and is found.
TEST(Copilot, AveragesOutNoise) {
  Random random(4);
  const RoutingShares pattern = random_shares(1, 8, random);
  const auto noisy = [&] {
    RoutingShares shares = random_shares(1, 8, random);
    for (std::size_t e = 0; e < 8; ++e) shares(0, e) = 0.7 * pattern(0, e) + 0.3 * shares(0, e);
    return shares;
  };
  Copilot copilot(2, 1, 8);
  RoutingShares last(1, 8);
  double ours = 0;
  double previous = 0;
  for (int iteration = 0; iteration < 200; ++iteration) {
    const RoutingShares real = noisy();
    copilot.observe(0, noisy());
    if (iteration >= 50) {
      ours += load_error(copilot.predict(1), real);
      previous += load_error({load_of(last), last}, real);
    }
    copilot.observe(1, real);
    last = real;
  }
  EXPECT_LT(ours, 0.85 * previous);
}

// Whatever comes: loads and rows are >= 0 and add up to 1, predicting changes no prediction, and
// the same observations give the same to the bit.
TEST(Copilot, ForecastsAreSharesAndRepeat) {
  Random random(5);
  Copilot asked(3, 4, 6);
  Copilot unasked(3, 4, 6);
  for (int iteration = 0; iteration < 30; ++iteration) {
    for (std::size_t l = 0; l < 3; ++l) {
      const RoutingForecast forecast = asked.predict(l);
      double sum = 0;
      for (const double load : forecast.load) {
        EXPECT_GE(load, 0);
        sum += load;
      }
      EXPECT_NEAR(sum, 1, 1e-12);
      for (std::size_t r = 0; r < 4; ++r) {
        sum = 0;
        for (const double share : forecast.shares.row(r)) {
          EXPECT_GE(share, 0);
          sum += share;
        }
        EXPECT_NEAR(sum, 1, 1e-12);
      }
      if (iteration == 29) {
        EXPECT_EQ(unasked.predict(l).load, forecast.load);
        EXPECT_EQ(unasked.predict(l).shares, forecast.shares);
      }
      RoutingShares real = random_shares(4, 6, random);
      asked.observe(l, real);
      unasked.observe(l, real);
    }
  }
}

// Topics that change from one iteration to the next and that every layer feels in its own way: no
// layer alone tells them, all before it do. Ours learns it, for ranks as for the load; published,
// which sees one layer, does not.
TEST(Copilot, SeesTopicsThroughAllLayers) {
  constexpr std::size_t kLayers = 10;
  Random random(6);
  Matrix<double> loading(kLayers, std::size_t{6} * 2);
  for (double& cell : loading.cells()) cell = 0.3 * random.normal();
  Copilot copilot(kLayers, 4, 6);
  double published[2] = {};
  double ours[2] = {};
  for (int iteration = 0; iteration < 60; ++iteration) {
    double topic[4][2];
    const double common[2] = {random.normal(), random.normal()};
    for (auto& own : topic) {
      for (int k = 0; k < 2; ++k) own[k] = common[k] + random.normal();
    }
    for (std::size_t l = 0; l < kLayers; ++l) {
      RoutingShares real(4, 6);
      for (std::size_t r = 0; r < 4; ++r) {
        double sum = 0;
        for (std::size_t e = 0; e < 6; ++e) {
          const double logit =
              topic[r][0] * loading(l, 2 * e) + topic[r][1] * loading(l, 2 * e + 1);
          sum += real(r, e) = std::exp(logit + 0.1 * random.normal());
        }
        for (double& share : real.row(r)) share /= sum;
      }
      if (iteration >= 30 && l >= 5) {
        published[0] += load_error(copilot.predict_published(l), real);
        published[1] += share_error(copilot.predict_published(l), real);
        ours[0] += load_error(copilot.predict(l), real);
        ours[1] += share_error(copilot.predict(l), real);
      }
      copilot.observe(l, real);
    }
  }
  EXPECT_LT(ours[0], 0.7 * published[0]);
  EXPECT_LT(ours[1], 0.7 * published[1]);
}

TEST(Copilot, RefusesWhatIsOutOfOrder) {
  EXPECT_THROW(Copilot(0, 1, 1), Error);
  EXPECT_THROW(Copilot(1, 1, 1, {.regression = {}, .cross_layer = {}, .average_rate = 0}), Error);
  EXPECT_THROW(Copilot(1, 1, 1, {.regression = {}, .cross_layer = {.records = 0}}), Error);
  Copilot copilot(2, 1, 2);
  const RoutingShares shares(1, 2, 0.5);
  EXPECT_THROW(copilot.observe(1, shares), Error);
  EXPECT_THROW(copilot.predict(1), Error);
  EXPECT_THROW(copilot.observe(0, RoutingShares(2, 2, 0.5)), Error);
  copilot.observe(0, shares);
  EXPECT_THROW(copilot.observe(0, shares), Error);
}

}  // namespace
}  // namespace mixnet
