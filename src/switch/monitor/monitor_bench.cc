// What a daemon pays for being watched, with 64 servers of 6 NICs: on the loop's thread a happening
// counted and logged, on the page's thread the state read and written as JSON, and a scrape.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "happening_log.h"
#include "page_state.h"
#include "region_metrics.h"

namespace mixnet {
namespace {

constexpr int kServers = 64, kNics = 6;

struct Region {
  Region() : state(make_state()) {
    settings.region = state.config;
    settings.site.name = "bench";
    settings.port_of_position = {-1};
    for (int server = 0; server < kServers; ++server) {
      SiteServer& one = settings.site.servers.emplace_back();
      one.name = "gpu-" + std::to_string(server);
      for (int nic = 0; nic < kNics; ++nic) {
        SiteNic& optical = one.nics.emplace_back();
        optical.interface = "eth" + std::to_string(nic);
        optical.ocs = server * kNics + nic + 1;
        settings.position_of_port.push_back(optical.ocs);
        settings.port_of_position.push_back(optical.ocs - 1);
      }
    }
  }
  static RegionState make_state() {
    RegionConfig config;
    config.servers = kServers;
    config.optical_nics = kNics;
    RegionState state = RegionState::fresh(config);
    Slice& slice = state.slices.emplace_back();
    slice.tenant = 1;
    slice.demand = ServerDemand(kServers, kServers, 123'456'789);
    for (int server = 0; server < kServers; ++server) {
      state.owner[server] = 1;
      slice.servers.push_back(server);
    }
    state.slices.front().servers.clear();
    for (int port = 0; port + kNics < config.ports(); port += 2 * kNics) {
      for (int nic = 0; nic < kNics; ++nic) {
        state.lit[port + nic] = port + kNics + nic;
        state.lit[port + kNics + nic] = port + nic;
      }
    }
    return state;
  }

  RegionState state;
  DaemonSettings settings;
};

void hear_an_event(benchmark::State& bench) {
  const Region region;
  RegionMetrics metrics(region.settings, "bench");
  const Event tick = Tick{};
  DeviceCommand command;
  command.id = 1;
  command.tenant = 1;
  for (int port = 0; port < 24; ++port) command.connect.push_back({port, port + 100});
  const std::vector<Decision> decisions = {command};
  const EventHandled happening{.record = 1,
                               .now = {},
                               .event = tick,
                               .decisions = decisions,
                               .state = region.state,
                               .times = {}};
  for ([[maybe_unused]] auto _ : bench) metrics.hear(happening);
}
BENCHMARK(hear_an_event);

void log_a_command_of_24_circuits(benchmark::State& bench) {
  const Region region;
  const Event tick = Tick{};
  DeviceCommand command;
  command.tenant = 1;
  for (int port = 0; port < 24; ++port) command.connect.push_back({port, port + 100});
  const std::vector<Decision> decisions = {command};
  const EventHandled happening{.record = 1,
                               .now = {},
                               .event = tick,
                               .decisions = decisions,
                               .state = region.state,
                               .times = {}};
  std::vector<LogEntry> entries;
  for ([[maybe_unused]] auto _ : bench) {
    entries.clear();
    log_of(happening, region.settings, {}, entries);
    benchmark::DoNotOptimize(entries.data());
  }
}
BENCHMARK(log_a_command_of_24_circuits);

void copy_the_state(benchmark::State& bench) {  // on the loop's thread, ten times a second at most
  const Region region;
  RegionState copy;
  for ([[maybe_unused]] auto _ : bench) {
    copy = region.state;
    benchmark::DoNotOptimize(copy.lit.data());
  }
}
BENCHMARK(copy_the_state);

void set_the_gauges(benchmark::State& bench) {
  const Region region;
  RegionMetrics metrics(region.settings, "bench");
  for ([[maybe_unused]] auto _ : bench) metrics.look(region.state);
}
BENCHMARK(set_the_gauges);

void write_the_state(benchmark::State& bench) {
  const Region region;
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto _ : bench)
    bytes = page_state(region.state, region.settings, {}).size();
  bench.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(write_the_state);

void scrape(benchmark::State& bench) {
  const Region region;
  RegionMetrics metrics(region.settings, "bench");
  metrics.look(region.state);
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto _ : bench) bytes = metrics.text().size();
  bench.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrape);

}  // namespace
}  // namespace mixnet
