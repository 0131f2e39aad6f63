// The refined allocator at the default budget: time, and how much shorter the all-to-all gets than
// with greedy circuits.
#include <benchmark/benchmark.h>

#include <cmath>

#include "base/random.h"
#include "circuits/balanced_time.h"
#include "circuits/refined_allocator.h"

namespace mixnet {
namespace {

void refined(benchmark::State& state) {
  const int servers = static_cast<int>(state.range(0));
  Random random(1);
  ServerDemand demand(servers, servers);
  for (auto& bytes : demand.cells()) {
    bytes = static_cast<std::int64_t>(1e6 * std::exp(1.2 * random.normal()));
  }
  RefinedAllocator allocator;
  const double greedy = balanced_time(demand, GreedyAllocator().allocate(demand, 6), 2);
  double time = 0;
  for (auto _ : state) time = balanced_time(demand, allocator.allocate(demand, 6, 2), 2);
  state.counters["of_greedy"] = time / greedy;
}
BENCHMARK(refined)->Arg(4)->Arg(8)->Arg(16)->Arg(64)->Arg(250)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mixnet
