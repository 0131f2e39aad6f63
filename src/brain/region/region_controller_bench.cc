#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "base/random.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

/// A region with one tenant on all servers, settled and dark.
RegionController region(int servers, AllocatorKind allocator) {
  RegionConfig config;
  config.servers = servers;
  config.allocator = allocator;
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
  RegionController controller = region(servers, static_cast<AllocatorKind>(state.range(1)));
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

void idle_tick(benchmark::State& state) {
  RegionController controller = region(static_cast<int>(state.range(0)), AllocatorKind::kGreedy);
  for (auto _ : state) {
    benchmark::DoNotOptimize(controller.handle(Instant::unix_seconds(2), Tick{}).data());
  }
}
BENCHMARK(idle_tick)->ArgName("servers")->Arg(8)->Arg(250);

void snapshot(benchmark::State& state) {
  RegionController controller = region(static_cast<int>(state.range(0)), AllocatorKind::kGreedy);
  controller.handle(Instant::unix_seconds(2), demand(static_cast<int>(state.range(0)), 1));
  for (auto _ : state) {
    const std::string text = write_snapshot(controller.state());
    benchmark::DoNotOptimize(read_snapshot(text, "bench").last_id);
  }
}
BENCHMARK(snapshot)->ArgName("servers")->Arg(8)->Arg(250)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mixnet
