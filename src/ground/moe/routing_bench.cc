#include <benchmark/benchmark.h>

#include "moe/routing.h"

namespace mixnet {
namespace {

void count(benchmark::State& state, const char* spec) {
  const RoutingShape shape{.ep = static_cast<int>(state.range(0)),
                           .experts = static_cast<int>(state.range(1)),
                           .top_k = state.range(1) > 64 ? 8 : 2,
                           .layers = 32,
                           .tokens = 32768};
  const RoutingSource source = RoutingSource::make(spec, shape, 1);
  TokenCounts counts;
  RoutingPlace place;
  for (auto _ : state) {
    place.layer = (place.layer + 1) % shape.layers;
    ++place.iteration;
    source.counts(place, counts);
    benchmark::DoNotOptimize(counts.cells().data());
  }
}

BENCHMARK_CAPTURE(count, dynamic, "dynamic")
    ->Args({8, 8})
    ->Args({16, 64})
    ->Args({64, 256})
    ->Args({64, 512})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(count, measured, "measured")
    ->Args({8, 8})
    ->Args({64, 256})
    ->Unit(benchmark::kMicrosecond);

void make(benchmark::State& state) {
  const RoutingShape shape{.ep = 64, .experts = 256, .top_k = 8, .layers = 58, .tokens = 32768};
  for (auto _ : state) benchmark::DoNotOptimize(RoutingSource::make("dynamic", shape, 1));
}
BENCHMARK(make)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
