#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {
namespace {

enum Shape { kUniform, kSkewed, kSparse };

/// kUniform: all pairs equal. kSkewed: log-normal. kSparse: log-normal, one cell in eight.
std::vector<ServerDemand> demands(std::size_t servers, Shape shape) {
  std::vector<ServerDemand> all(servers <= 16 ? 64 : 4, ServerDemand(servers, servers));
  for (std::size_t d = 0; d < all.size(); ++d) {
    Random random(derive_seed(1, servers, d));
    for (std::int64_t& cell : all[d].cells()) {
      const bool zero = shape == kSparse && random.below(8) != 0;
      const double bytes = shape == kUniform ? 1e8 : 1e8 * std::exp(random.normal());
      cell = zero ? 0 : static_cast<std::int64_t>(bytes);
    }
  }
  return all;
}

void greedy(benchmark::State& state) {
  const auto inputs =
      demands(static_cast<std::size_t>(state.range(0)), static_cast<Shape>(state.range(2)));
  const int degree = static_cast<int>(state.range(1));
  GreedyAllocator allocator;
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(&allocator.allocate(inputs[next], degree));
    next = (next + 1) % inputs.size();
  }
}
BENCHMARK(greedy)
    ->ArgNames({"servers", "degree", "shape"})
    ->ArgsProduct({{2, 4, 8, 16, 64, 250, 1024}, {6}, {kUniform, kSkewed, kSparse}});

}  // namespace
}  // namespace mixnet
