#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "circuits/exact_allocator.h"

namespace mixnet {
namespace {

/// 6 OCS and 2 EPS NICs; log-normal demand, `sigma` in tenths. One of 20 regions after the other.
void exact_allocation(benchmark::State& state) {
  const auto servers = static_cast<std::size_t>(state.range(0));
  std::vector<ServerDemand> regions(20, ServerDemand(servers, servers));
  Random random(1);
  for (ServerDemand& demand : regions) {
    for (std::int64_t& bytes : demand.cells()) {
      const double exponent = static_cast<double>(state.range(1)) / 10 * random.normal();
      bytes = static_cast<std::int64_t>(1e6 * std::exp(exponent));
    }
  }
  std::size_t region = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(allocate_exactly(regions[region], 6, 2));
    region = (region + 1) % regions.size();
  }
}
BENCHMARK(exact_allocation)
    ->ArgNames({"servers", "sigma"})
    ->ArgsProduct({{8, 16}, {3, 12}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
