#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.h"
#include "circuits/greedy_allocator.h"
#include "circuits/nic_mapper.h"

namespace mixnet {
namespace {

void nic_mapping(benchmark::State& state) {
  const auto servers = static_cast<std::size_t>(state.range(0));
  Random random(derive_seed(1, servers));
  ServerDemand demand(servers, servers);
  for (std::int64_t& cell : demand.cells()) cell = static_cast<std::int64_t>(random.next() >> 20);
  GreedyAllocator allocator;
  const CircuitCounts counts = allocator.allocate(demand, 6);
  const std::vector<int> numa = {0, 0, 0, 1, 1, 1};
  NicMapper mapper;
  for (auto _ : state) benchmark::DoNotOptimize(mapper.map(counts, numa).data());
}
BENCHMARK(nic_mapping)->ArgName("servers")->Arg(4)->Arg(8)->Arg(64)->Arg(250)->Arg(1024);

}  // namespace
}  // namespace mixnet
