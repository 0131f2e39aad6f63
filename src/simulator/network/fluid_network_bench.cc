// What the fluid network costs per flow, in the two ways it is used: millions of tiny runs of one
// object over a large topology, and one large run. Figures and their meaning:
// docs/fluid-network.md.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "base/random.h"
#include "network/fluid_network.h"

namespace mixnet {
namespace {

constexpr Bandwidth kLink = Bandwidth::gbps(400);
constexpr LinkId kTopologyLinks = 300'000;

struct BenchFlow {
  std::array<LinkId, 4> path;
  std::uint32_t hops;
  Bytes bytes;
};

enum class Sizes { kEqual, kDistinct };

Bytes draw_size(Sizes sizes, Random& random) {
  if (sizes == Sizes::kEqual) return {1'000'000};
  return {static_cast<std::int64_t>(1 + random.below(10'000'000))};
}

void add_all(FluidNetwork& network, const std::vector<BenchFlow>& flows) {
  for (const BenchFlow& flow : flows) {
    network.add_flow(std::span(flow.path).first(flow.hops), flow.bytes);
  }
}

void report_flows(benchmark::State& state, std::size_t flows) {
  state.counters["flows"] = static_cast<double>(flows);
  state.counters["flows/s"] =
      benchmark::Counter(static_cast<double>(flows), benchmark::Counter::kIsIterationInvariantRate);
}

void run_repeatedly(benchmark::State& state, FluidNetwork& network,
                    const std::vector<BenchFlow>& flows) {
  for ([[maybe_unused]] auto _ : state) {
    network.clear();
    add_all(network, flows);
    benchmark::DoNotOptimize(network.run());
  }
  report_flows(state, flows.size());
}

/// All-to-all among hosts with one up and one down link each, at the far end of a large topology.
std::vector<BenchFlow> all_to_all(LinkId hosts, Sizes sizes, LinkId first_link) {
  Random random(derive_seed(1, hosts));
  std::vector<BenchFlow> flows;
  for (LinkId s = 0; s < hosts; ++s) {
    for (LinkId d = 0; d < hosts; ++d) {
      if (s == d) continue;
      flows.push_back({{first_link + s, first_link + hosts + d}, 2, draw_size(sizes, random)});
    }
  }
  return flows;
}

/// The same over two tiers: 32 hosts to a leaf, each leaf with one up and one down link to the
/// spine of a third of its hosts' capacity. Links: host up, host down, leaf up, leaf down.
std::vector<BenchFlow> oversubscribed(LinkId hosts, std::uint32_t peers, Sizes sizes) {
  Random random(derive_seed(2, hosts));
  const LinkId leaves = hosts / 32;
  std::vector<BenchFlow> flows;
  for (LinkId s = 0; s < hosts; ++s) {
    for (std::uint32_t p = 0; p < peers; ++p) {
      const LinkId d = (s + 1 + static_cast<LinkId>(random.below(hosts - 1))) % hosts;
      const LinkId up = 2 * hosts + s / 32;
      const LinkId down = 2 * hosts + leaves + d / 32;
      const Bytes bytes = draw_size(sizes, random);
      if (s / 32 == d / 32) {
        flows.push_back({{s, hosts + d}, 2, bytes});
      } else {
        flows.push_back({{s, up, down, hosts + d}, 4, bytes});
      }
    }
  }
  return flows;
}

void small_all_to_all(benchmark::State& state, Sizes sizes) {
  const auto hosts = static_cast<LinkId>(state.range(0));
  FluidNetwork network(std::vector<Bandwidth>(kTopologyLinks, kLink));
  run_repeatedly(state, network, all_to_all(hosts, sizes, kTopologyLinks - 2 * hosts));
}
BENCHMARK_CAPTURE(small_all_to_all, equal, Sizes::kEqual)->Arg(4)->Arg(8);
BENCHMARK_CAPTURE(small_all_to_all, distinct, Sizes::kDistinct)
    ->Arg(2)
    ->Arg(4)
    ->Arg(8)
    ->Arg(16)
    ->Arg(22);

/// Pairs that share nothing: what a part of the network costs on its own.
void small_pairs(benchmark::State& state) {
  std::vector<BenchFlow> flows;
  Random random(3);
  for (LinkId p = 0; p < static_cast<LinkId>(state.range(0)); ++p) {
    flows.push_back({{p * 1000, p * 1000 + 1}, 2, draw_size(Sizes::kDistinct, random)});
  }
  FluidNetwork network(std::vector<Bandwidth>(kTopologyLinks, kLink));
  run_repeatedly(state, network, flows);
}
BENCHMARK(small_pairs)->Arg(2)->Arg(64);

/// Many sizes on few paths: one class each.
void one_link(benchmark::State& state) {
  std::vector<BenchFlow> flows;
  Random random(4);
  flows.reserve(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < state.range(0); ++i) {
    flows.push_back({{0, 1}, 2, draw_size(Sizes::kDistinct, random)});
  }
  FluidNetwork network(std::vector<Bandwidth>(2, kLink));
  run_repeatedly(state, network, flows);
}
BENCHMARK(one_link)->Arg(1000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void large_all_to_all(benchmark::State& state, Sizes sizes) {
  const auto hosts = static_cast<LinkId>(state.range(0));
  FluidNetwork network(std::vector<Bandwidth>(std::size_t{2} * hosts, kLink));
  run_repeatedly(state, network, all_to_all(hosts, sizes, 0));
}
BENCHMARK_CAPTURE(large_all_to_all, equal, Sizes::kEqual)
    ->Arg(128)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_all_to_all, distinct, Sizes::kDistinct)
    ->Arg(32)
    ->Arg(64)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond);

/// Distinct sizes with set_resolution(range(1) / 1000).
void large_all_to_all_coarse(benchmark::State& state) {
  const auto hosts = static_cast<LinkId>(state.range(0));
  FluidNetwork network(std::vector<Bandwidth>(std::size_t{2} * hosts, kLink));
  network.set_resolution(static_cast<double>(state.range(1)) * 1e-3);
  run_repeatedly(state, network, all_to_all(hosts, Sizes::kDistinct, 0));
}
BENCHMARK(large_all_to_all_coarse)
    ->Args({128, 10})
    ->Args({1024, 10})
    ->Args({1024, 20})
    ->Args({1024, 50})
    ->Unit(benchmark::kMillisecond);

void two_tiers(benchmark::State& state, Sizes sizes) {
  const auto hosts = static_cast<LinkId>(state.range(0));
  const auto peers = static_cast<std::uint32_t>(state.range(1));
  std::vector<Bandwidth> capacities(std::size_t{2} * hosts, kLink);
  capacities.resize(2 * hosts + 2 * (hosts / 32), Bandwidth::gbps(400 * 32 / 3));
  FluidNetwork network(capacities);
  run_repeatedly(state, network, oversubscribed(hosts, peers, sizes));
}
BENCHMARK_CAPTURE(two_tiers, equal, Sizes::kEqual)
    ->Args({1024, 8})
    ->Args({1024, 128})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(two_tiers, distinct, Sizes::kDistinct)
    ->Args({1024, 1})
    ->Args({1024, 8})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
