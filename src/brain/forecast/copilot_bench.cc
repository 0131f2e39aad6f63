#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "forecast/copilot.h"

namespace mixnet {
namespace {

constexpr std::size_t kLayers = 8;

/// Shares that change from one iteration to the next by a tenth or so, in `layers` layers that have
/// a common cause: one number per rank and iteration. Iteration by iteration, layer by layer.
std::vector<RoutingShares> iterations(std::size_t layers, std::size_t ranks, std::size_t experts,
                                      int count) {
  Random random(1);
  std::vector<double> skew(layers * experts);
  std::vector<double> loading(layers * experts);
  for (double& value : skew) value = 0.3 * random.normal();
  for (double& value : loading) value = 0.2 * random.normal();
  std::vector<RoutingShares> all;
  for (int i = 0; i < count; ++i) {
    const double topic = random.normal();
    std::vector<RoutingShares> now(layers, RoutingShares(ranks, experts));
    for (std::size_t r = 0; r < ranks; ++r) {
      const double own = topic + random.normal();
      for (std::size_t l = 0; l < layers; ++l) {
        double sum = 0;
        for (std::size_t e = 0; e < experts; ++e) {
          const std::size_t at = l * experts + e;
          sum += now[l](r, e) = std::exp(skew[at] + own * loading[at] + 0.05 * random.normal());
        }
        for (double& share : now[l].row(r)) share /= sum;
      }
    }
    all.insert(all.end(), now.begin(), now.end());
  }
  return all;
}

/// One record into the regression, warm-started solution, published prediction of the load.
void published_update_and_predict(benchmark::State& state) {
  const auto experts = static_cast<std::size_t>(state.range(0));
  const std::vector<RoutingShares> all = iterations(2, 8, experts, 100);
  std::vector<std::vector<double>> loads;
  loads.reserve(all.size());
  for (const RoutingShares& shares : all) loads.push_back(load_of(shares));
  SimplexRegression regression(experts, {});
  SimplexWorkspace work;
  std::vector<double> y(experts);
  std::size_t i = 0;
  double steps = 0;
  const auto step = [&] {
    regression.predict(loads[i], y);
    benchmark::DoNotOptimize(y.data());
    regression.add(loads[i], loads[i + 1]);
    steps += regression.solve(work).steps;
    i = (i + 2) % loads.size();
  };
  for (int warm = 0; warm < 50; ++warm) step();
  steps = 0;
  for (auto _ : state) step();
  state.counters["steps"] = benchmark::Counter(steps, benchmark::Counter::kAvgIterations);
}
BENCHMARK(published_update_and_predict)->ArgName("experts")->Arg(8)->Arg(64)->Arg(256);

/// Ours, a whole iteration: predict and observe, all ranks; `layer`: the time for one.
void copilot_update_and_predict(benchmark::State& state) {
  const auto experts = static_cast<std::size_t>(state.range(0));
  const auto ranks = static_cast<std::size_t>(state.range(1));
  const std::vector<RoutingShares> all = iterations(kLayers, ranks, experts, 50);
  Copilot copilot(kLayers, ranks, experts);
  std::size_t i = 0;
  const auto step = [&] {
    for (std::size_t l = 0; l < kLayers; ++l) {
      benchmark::DoNotOptimize(copilot.predict(l));
      copilot.observe(l, all[i++]);
    }
    i %= all.size();
  };
  for (int warm = 0; warm < 50; ++warm) step();
  for (auto _ : state) step();
  state.counters["layer"] = benchmark::Counter(
      kLayers, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(copilot_update_and_predict)
    ->ArgNames({"experts", "ranks"})
    ->Args({8, 8})
    ->Args({64, 16})
    ->Args({256, 32});

}  // namespace
}  // namespace mixnet
