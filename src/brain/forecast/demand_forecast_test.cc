#include "forecast/demand_forecast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "forecast/copilot.h"
#include "forecast/demand_hedge.h"
#include "moe/demand.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// Four servers a region, two stages, two replicas, of 3 and 2 layers; the second layer is dense.
struct Job {
  Model model = find_model("mixtral-8x7b");
  ParallelPlan plan;

  explicit Job(int micro_batches) {
    model.layers = 5;
    model.is_moe = {true, false, true, true, true};
    plan.tp = 4;
    plan.ep = 8;
    plan.pp = 2;
    plan.dp = 16;
    plan.micro_batch_size = 1;
    plan.global_batch_size = std::int64_t{16} * micro_batches;
  }
  RoutingSource routing(std::string_view spec = "dynamic") const {
    return RoutingSource::make(spec, {8, 8, 2, 4, plan.tokens_per_micro_batch()}, 7);
  }
  std::vector<DemandForecast> forecasts(std::string_view spec = "dynamic", int threads = 2) const {
    return forecast_demands(model, plan, token_traffic(model, {}), routing(spec), threads);
  }
  std::size_t place(int replica, int micro_batch, int layer) const {
    return (static_cast<std::size_t>(replica) * plan.micro_batches() + micro_batch) * 4 + layer;
  }
};

std::int64_t between_servers(const Matrix<std::int64_t>& bytes) {
  std::int64_t sum = 0;
  for (std::size_t s = 0; s < bytes.rows(); ++s) {
    for (std::size_t t = 0; t < bytes.columns(); ++t) sum += s == t ? 0 : bytes(s, t);
  }
  return sum;
}

TEST(DemandForecast, IsWhatACopilotOfTheRegionSays) {
  // Stage 1 of replica 1 has the MoE layers 2 and 3. Its past: 32 micro-batches, five an iteration.
  const Job job(5);
  const RoutingSource routing = job.routing();
  Copilot copilot(2, 8, 8);
  TokenCounts counts;
  const auto observe = [&](RoutingPlace place) {
    routing.counts(place, counts);
    copilot.observe(static_cast<std::size_t>(place.layer - 2), shares_of(counts));
  };
  for (int ago = 32; ago > 0; --ago) {
    for (const int layer : {2, 3}) observe({1 + (ago - 1) / 5, layer, (ago - 1) % 5, 1});
  }
  const std::vector<DemandForecast> forecasts = job.forecasts();
  ASSERT_EQ(forecasts.size(), 2 * 5 * 4);
  for (int micro_batch = 0; micro_batch < 5; ++micro_batch) {
    for (const int layer : {2, 3}) {
      const RoutingForecast forecast = copilot.predict(static_cast<std::size_t>(layer - 2));
      const DemandForecast& got = forecasts[job.place(1, micro_batch, layer)];
      // Two EP ranks a server: what rank r sends to the experts of another server's ranks.
      double most = 0;
      for (std::size_t e = 0; e < 8; ++e) most = std::max(most, forecast.load[e]);
      EXPECT_NEAR(static_cast<double>(got.busiest_rank_tokens), most * 8 * 8192, 0.002 * 8 * 8192);
      for (std::size_t s = 0; s < 4; ++s) {
        for (std::size_t t = 0; t < 4; ++t) {
          double share = 0;
          for (const std::size_t r : {2 * s, 2 * s + 1}) {
            share += forecast.shares(r, 2 * t) + forecast.shares(r, 2 * t + 1);
          }
          EXPECT_NEAR(static_cast<double>(got.server_bytes(s, t)), share * 8192 * 4096 * 2,
                      2.1 * 4096 * 2);
        }
      }
      observe({0, layer, micro_batch, 1});
    }
  }
}

TEST(DemandForecast, DoesNotDependOnWhatComesLater) {
  // A longer iteration has the same micro-batches first, and the same 32 before it.
  const Job shorter(33);
  const Job longer(40);
  const auto few = shorter.forecasts();
  const auto many = longer.forecasts();
  for (int replica = 0; replica < 2; ++replica) {
    for (int micro_batch = 0; micro_batch < 33; ++micro_batch) {
      for (int layer = 0; layer < 4; ++layer) {
        const DemandForecast& a = few[shorter.place(replica, micro_batch, layer)];
        const DemandForecast& b = many[longer.place(replica, micro_batch, layer)];
        EXPECT_EQ(a.server_bytes, b.server_bytes);
        EXPECT_EQ(a.busiest_rank_tokens, b.busiest_rank_tokens);
        EXPECT_EQ(a.scale_up_bytes, b.scale_up_bytes);
      }
    }
  }
}

/// As if level demand were served fastest, or (`reverse`) demand as it is forecast.
TimeOverCircuits likes_level(bool reverse = false) {
  return [reverse](int, int, const Matrix<std::int64_t>& guessed, const Matrix<std::int64_t>&) {
    std::int64_t most = 0;
    for (std::size_t t = 0; t < guessed.columns(); ++t) {
      std::int64_t received = 0;
      for (std::size_t s = 0; s < guessed.rows(); ++s) received += s == t ? 0 : guessed(s, t);
      most = std::max(most, received);
    }
    return Time::from_seconds(reverse ? 1e6 / static_cast<double>(most)
                                      : static_cast<double>(most) * 1e-6);
  };
}

TEST(DemandForecast, LearnsHowFarToLevelOnEachFabric) {
  const Job job(8);
  const TimeOverCircuits knows_nothing = [](int, int, const Matrix<std::int64_t>&,
                                            const Matrix<std::int64_t>&) { return Time::zero(); };
  const std::vector<TimeOverCircuits> fabrics = {likes_level(), likes_level(true), knows_nothing};
  const RoutingSource routing = job.routing();
  const auto plain = job.forecasts();
  for (const int threads : {1, 3}) {
    const auto forecasts = forecast_demands(job.model, job.plan, token_traffic(job.model, {}),
                                            routing, threads, fabrics);
    ASSERT_EQ(forecasts.size(), plain.size());
    for (std::size_t i = 0; i < forecasts.size(); ++i) {
      EXPECT_EQ(forecasts[i].server_bytes, plain[i].server_bytes);
      EXPECT_EQ(forecasts[i].hedges, (std::vector<double>{2, 0, DemandHedge::kStrengths[0]}));
      EXPECT_TRUE(plain[i].hedges.empty());
    }
  }
}

// What is learnt is told by the real demand of gates that have run, in the region they ran in.
TEST(DemandForecast, LearnsFromThePastOfItsRegion) {
  const Job job(2);
  const RoutingSource routing = job.routing();
  DemandMaker maker(job.plan, job.model.hidden);
  std::mutex mutex;
  std::map<int, std::vector<Matrix<std::int64_t>>> shown;  // by first server
  const std::vector<TimeOverCircuits> fabrics = {
      [&](int, int first_server, const Matrix<std::int64_t>&, const Matrix<std::int64_t>& bytes) {
        const std::lock_guard lock(mutex);
        std::vector<Matrix<std::int64_t>>& list = shown[first_server];
        if (list.empty() || list.back() != bytes) list.push_back(bytes);
        return Time::zero();
      }};
  forecast_demands(job.model, job.plan, token_traffic(job.model, {}), routing, 2, fabrics);
  ASSERT_EQ(shown.size(), 4);
  // The MoE layers 2 and 3 of stage 1 in replica 1: every fourth gate in order, but for the first
  // micro-batch, of which nothing was forecast.
  std::vector<Matrix<std::int64_t>> expected;
  TokenCounts counts;
  for (int k = -kPastMicroBatches + 1; k < 2; ++k) {
    for (const int layer : {2, 3}) {
      if ((k + kPastMicroBatches + layer) % DemandHedge::kLearnsEvery != 0) continue;
      routing.counts({k < 0 ? 1 + (-1 - k) / 2 : 0, layer, k < 0 ? (-1 - k) % 2 : k, 1}, counts);
      expected.push_back(maker.make(counts).server_bytes);
    }
  }
  EXPECT_EQ(shown[job.plan.first_server(1, 1)], expected);
}

TEST(DemandForecast, ThreadsDoNotMatter) {
  const Job job(4);
  const auto one = job.forecasts("dynamic", 1);
  const auto three = job.forecasts("dynamic", 3);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].server_bytes, three[i].server_bytes);
  }
}

TEST(DemandForecast, IsRightWhereNothingChanges) {
  const Job job(2);
  TokenCounts counts;
  job.routing("measured").counts({}, counts);
  const RegionDemand demand = DemandMaker(job.plan, job.model.hidden).make(counts);
  for (const DemandForecast& forecast : job.forecasts("measured")) {
    EXPECT_EQ(forecast.server_bytes, demand.server_bytes);
    EXPECT_EQ(forecast.busiest_rank_tokens, demand.busiest_rank_tokens);
    EXPECT_EQ(forecast.scale_up_bytes, demand.scale_up_delegated);
  }
}

TEST(DemandForecast, IsNearerThanTheLayerBeforeAndThanAnEvenOne) {
  // Of the bytes between servers, the part at the wrong pair.
  const Job job(16);
  const RoutingSource routing = job.routing();
  DemandMaker maker(job.plan, job.model.hidden);
  const auto real = [&](int replica, int micro_batch, int layer) {
    TokenCounts counts;
    routing.counts({0, layer, micro_batch, replica}, counts);
    return maker.make(counts).server_bytes;
  };
  const auto distance = [](const Matrix<std::int64_t>& a, const Matrix<std::int64_t>& b) {
    std::int64_t sum = 0;
    for (std::size_t s = 0; s < a.rows(); ++s) {
      for (std::size_t t = 0; t < a.columns(); ++t) sum += s == t ? 0 : std::abs(a(s, t) - b(s, t));
    }
    return static_cast<double>(sum) / 2 / static_cast<double>(between_servers(a));
  };
  const auto forecasts = job.forecasts();
  double copilot = 0;
  double layer_before = 0;
  double even = 0;
  int places = 0;
  for (int replica = 0; replica < 2; ++replica) {
    for (int micro_batch = 0; micro_batch < 16; ++micro_batch) {
      for (const int layer : {1, 3}) {
        const Matrix<std::int64_t> truth = real(replica, micro_batch, layer);
        const Matrix<std::int64_t> flat(4, 4, 2 * 8192 * 4096 * 2 / 4);
        copilot += distance(truth, forecasts[job.place(replica, micro_batch, layer)].server_bytes);
        layer_before += distance(truth, real(replica, micro_batch, layer - 1));
        even += distance(truth, flat);
        ++places;
      }
    }
  }
  EXPECT_LT(copilot, 0.5 * layer_before);
  EXPECT_LT(copilot, 0.7 * even);
  EXPECT_GT(copilot / places, 0.001) << "not told";
}

}  // namespace
}  // namespace mixnet
