#include "forecast/demand_forecast.h"

#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include "base/parallel.h"
#include "base/progress.h"
#include "forecast/copilot.h"
#include "forecast/demand_hedge.h"
#include "moe/demand.h"
#include "moe/stage_layers.h"

namespace mixnet {
namespace {

/// `shares` of `total` in every row, to whole tokens.
void counts_of(const RoutingShares& shares, std::int64_t total, TokenCounts& counts) {
  for (std::size_t i = 0; i < counts.cells().size(); ++i) {
    counts.cells()[i] =
        static_cast<std::int32_t>(std::lround(shares.cells()[i] * static_cast<double>(total)));
  }
}

double in_seconds(Time time) {
  return time == Time::max() ? std::numeric_limits<double>::infinity() : time.to_seconds();
}

}  // namespace

std::vector<DemandForecast> forecast_demands(const Model& model, const ParallelPlan& plan,
                                             const TokenTraffic& traffic,
                                             const RoutingSource& routing, int threads,
                                             std::span<const TimeOverCircuits> fabrics) {
  const int micro_batches = plan.micro_batches();
  const int all_layers = moe_layers(model);
  const auto ranks = static_cast<std::size_t>(plan.ep);
  const auto experts = static_cast<std::size_t>(model.placed_experts);
  const std::int64_t row_total = plan.tokens_per_ep_rank() * model.top_k;
  std::vector<DemandForecast> forecasts(static_cast<std::size_t>(plan.replicas()) * micro_batches *
                                        all_layers);
  const std::size_t regions = static_cast<std::size_t>(plan.replicas()) * plan.pp;
  ProgressBar progress("Copilot's forecasts",
                       regions * static_cast<std::size_t>(kPastMicroBatches + micro_batches));
  std::mutex progress_mutex;

  parallel_for(regions, threads, [&](std::size_t region, int worker) {
    const int replica = static_cast<int>(region) / plan.pp;
    const int stage = static_cast<int>(region) % plan.pp;
    const auto [first, end] = stage_moe_layers(model, plan, stage);
    if (first == end) return;
    Copilot copilot(static_cast<std::size_t>(end - first), ranks, experts);
    TokenCounts counts(ranks, experts);
    DemandMaker maker(plan, traffic);
    std::vector<DemandHedge> hedges(fabrics.size());
    const int first_server = plan.first_server(stage, replica);
    for (int k = -kPastMicroBatches; k < micro_batches; ++k) {
      const int ago = -1 - k;  // micro-batches before the simulated ones
      const int iteration = k < 0 ? 1 + ago / micro_batches : 0;
      const int micro_batch = k < 0 ? ago % micro_batches : k;
      for (int layer = first; layer < end; ++layer) {
        const auto own = static_cast<std::size_t>(layer - first);
        const int gate = (k + kPastMicroBatches) + layer;
        const bool learns =
            !hedges.empty() && k > -kPastMicroBatches && gate % DemandHedge::kLearnsEvery == 0;
        DemandForecast forecast;
        if (k >= 0 || learns) {
          counts_of(copilot.predict(own).shares, row_total, counts);
          const RegionDemand& demand = maker.make(counts);
          forecast = {
              demand.server_bytes, demand.scale_up_delegated, demand.busiest_rank_tokens, {}};
          for (const DemandHedge& hedge : hedges) forecast.hedges.push_back(hedge.strength());
        }
        routing.counts({iteration, layer, micro_batch, replica}, counts);
        if (learns) {
          const Matrix<std::int64_t>& real = maker.make(counts).server_bytes;
          for (std::size_t f = 0; f < fabrics.size(); ++f) {
            hedges[f].learn(forecast.server_bytes, [&](const ServerDemand& guessed) {
              return in_seconds(fabrics[f](worker, first_server, guessed, real));
            });
          }
        }
        if (k >= 0) {
          forecasts[(static_cast<std::size_t>(replica) * micro_batches + k) * all_layers + layer] =
              std::move(forecast);
        }
        copilot.observe(own, shares_of(counts));
      }
      const std::lock_guard lock(progress_mutex);
      progress.advance();
    }
  });
  return forecasts;
}

}  // namespace mixnet
