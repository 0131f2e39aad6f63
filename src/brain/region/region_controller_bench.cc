#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "circuits/balanced_time.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

RegionConfig config_of(int servers, AllocatorKind allocator) {
  RegionConfig config;
  config.servers = servers;
  config.allocator = allocator;
  return config;
}

/// A region with one tenant on all servers, settled and dark.
RegionController region(const RegionConfig& config) {
  const int servers = config.servers;
  RegionController controller(config);
  const Instant now = Instant::unix_seconds(1);
  controller.handle(now, Tick{});
  controller.handle(now, DeviceState{controller.state().last_id, {}});
  TenantAdd add{1, {}};
  for (int server = 0; server < servers; ++server) add.servers.push_back(server);
  controller.handle(now, add);
  controller.handle(now, DeviceState{controller.state().last_id, {}});
  return controller;
}

/// Log-normal: a few pairs have most of the bytes.
DemandReport demand(int servers, std::uint64_t sequence) {
  Random random(derive_seed(1, servers, sequence));
  DemandReport report{1, {sequence, 0, 0, false}, {}};
  report.bytes = ServerDemand(static_cast<std::size_t>(servers), static_cast<std::size_t>(servers));
  for (std::int64_t& cell : report.bytes.cells()) {
    cell = static_cast<std::int64_t>(1e8 * std::exp(random.normal()));
  }
  return report;
}

/// One whole change: demand, answer, reading; the device obeys at once.
void reconfigure(benchmark::State& state) {
  const int servers = static_cast<int>(state.range(0));
  RegionController controller =
      region(config_of(servers, static_cast<AllocatorKind>(state.range(1))));
  const DemandReport inputs[] = {demand(servers, 1), demand(servers, 2)};
  Instant now = Instant::unix_seconds(2);
  std::uint64_t sequence = 0;
  for (auto _ : state) {
    DemandReport report = inputs[sequence % 2];
    report.phase.sequence = ++sequence;
    controller.handle(now, report);
    DeviceAnswer answer{controller.state().last_id, true, -1, true, {}};
    answer.lit = controller.state().find(1)->connect;
    benchmark::DoNotOptimize(controller.handle(now, answer).data());
    now += Duration::microseconds(1);
  }
}
BENCHMARK(reconfigure)
    ->ArgNames({"servers", "refined"})
    ->ArgsProduct({{8, 64, 250}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

double percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// Of this thread, microseconds: what others do on the machine is not in it.
double processor_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

void report(benchmark::State& state, const std::string& what, std::vector<double>& took) {
  std::ranges::sort(took);
  state.counters[what + "_p50"] = percentile(took, 0.5);
  state.counters[what + "_p99"] = percentile(took, 0.99);
  state.counters[what + "_most"] = took.back();
}

/// From a demand to its commands, 64 servers of six optical NICs, each demand another; between them
/// the device obeys and the phase runs. Counters, microseconds: what handling the demand took.
void overhead(benchmark::State& state) {
  constexpr int kDemands = 10'000;
  RegionConfig config = config_of(64, static_cast<AllocatorKind>(state.range(0)));
  config.policy = static_cast<Reconfiguration>(state.range(1));
  config.budget = state.range(2);
  RegionController controller = region(config);
  Instant now = Instant::unix_seconds(2);
  std::vector<double> took, worked;
  std::int64_t moved = 0;
  for (auto _ : state) {
    for (std::uint64_t sequence = 1; sequence <= kDemands; ++sequence) {
      DemandReport report = demand(64, sequence);
      report.outlook.after = Duration::milliseconds(20);
      const double at = processor_time();
      const auto begin = std::chrono::steady_clock::now();
      const std::vector<Decision>& decisions = controller.handle(now, report);
      const auto end = std::chrono::steady_clock::now();
      worked.push_back(processor_time() - at);
      took.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
      moved += std::ranges::count_if(decisions, [](const Decision& one) {
        return std::holds_alternative<DeviceCommand>(one);
      });
      const Slice& slice = *controller.state().find(1);
      if (slice.step == Step::kSwitching) {
        DeviceAnswer answer{slice.awaited, true, -1, true, slice.connect};
        controller.handle(now, answer);
      }
      controller.handle(now, PhaseMark{1, sequence, true});
      controller.handle(now, PhaseMark{1, sequence, false});
      now += Duration::microseconds(1);
    }
  }
  report(state, "us", took);
  report(state, "cpu", worked);
  state.counters["moved"] = static_cast<double>(moved);
}
BENCHMARK(overhead)
    ->ArgNames({"refined", "policy", "budget"})
    ->Args({0, static_cast<int>(Reconfiguration::kBlock), 0})
    ->Args({0, static_cast<int>(Reconfiguration::kHitless), 0})
    ->Args({1, static_cast<int>(Reconfiguration::kBlock), 20'000})
    ->Args({1, static_cast<int>(Reconfiguration::kHitless), 20'000})
    ->Args({1, static_cast<int>(Reconfiguration::kHitless), RefinedAllocator::kDefaultBudget})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// What all-to-alls lose by a smaller budget: their time (balanced_time.h) over that with
/// `compare`'s, less one. Counters: percent, over 500 demands.
void budget_loss(benchmark::State& state) {
  constexpr int kDemands = 500;
  const RegionNics nics = RegionNics::alike(64, 6, 2);
  CircuitPlanner full({.allocator = AllocatorKind::kRefined});
  CircuitPlanner bounded({.allocator = AllocatorKind::kRefined, .budget = state.range(0)});
  std::vector<double> losses;
  double sum = 0;
  for (auto _ : state) {
    for (int sequence = 1; sequence <= kDemands; ++sequence) {
      const ServerDemand bytes = demand(64, static_cast<std::uint64_t>(sequence)).bytes;
      const double least = balanced_time(bytes, full.plan(bytes, nics), 2.0);
      const double time = balanced_time(bytes, bounded.plan(bytes, nics), 2.0);
      losses.push_back(100 * (time / least - 1));
      sum += losses.back();
    }
  }
  std::ranges::sort(losses);
  state.counters["mean"] = sum / static_cast<double>(losses.size());
  state.counters["p99"] = percentile(losses, 0.99);
  state.counters["most"] = losses.back();
}
BENCHMARK(budget_loss)
    ->ArgName("budget")
    ->Arg(0)
    ->Arg(2'000)
    ->Arg(5'000)
    ->Arg(10'000)
    ->Arg(20'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void idle_tick(benchmark::State& state) {
  RegionController controller =
      region(config_of(static_cast<int>(state.range(0)), AllocatorKind::kGreedy));
  for (auto _ : state) {
    benchmark::DoNotOptimize(controller.handle(Instant::unix_seconds(2), Tick{}).data());
  }
}
BENCHMARK(idle_tick)->ArgName("servers")->Arg(8)->Arg(250);

void write(benchmark::State& state) {
  RegionController controller =
      region(config_of(static_cast<int>(state.range(0)), AllocatorKind::kGreedy));
  controller.handle(Instant::unix_seconds(2), demand(static_cast<int>(state.range(0)), 1));
  for (auto _ : state) benchmark::DoNotOptimize(write_snapshot(controller.state()).size());
}
BENCHMARK(write)->ArgName("servers")->Arg(8)->Arg(64)->Arg(250)->Unit(benchmark::kMicrosecond);

void snapshot(benchmark::State& state) {
  RegionController controller =
      region(config_of(static_cast<int>(state.range(0)), AllocatorKind::kGreedy));
  controller.handle(Instant::unix_seconds(2), demand(static_cast<int>(state.range(0)), 1));
  for (auto _ : state) {
    const std::string text = write_snapshot(controller.state());
    benchmark::DoNotOptimize(read_snapshot(text, "bench").last_id);
  }
}
BENCHMARK(snapshot)->ArgName("servers")->Arg(8)->Arg(64)->Arg(250)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mixnet
