// What a change costs; interfaces of network namespaces of its own, so it takes root.
#include <benchmark/benchmark.h>

#include "dataplane/data_plane.h"
#include "dataplane/test_servers.h"

namespace mixnet {
namespace {

/// Each port's light is joined with that of the port across (of one: with its own), or parted.
void light_changed(benchmark::State& state, bool carrier) {
  const int ports = static_cast<int>(state.range(0));
  if (const std::string why = TestServers::missing(); !why.empty()) {
    state.SkipWithError(why.c_str());
    return;
  }
  const TestServers servers(ports);
  DataPlane plane({.ports = ports, .carrier = carrier});
  std::vector<PortAttachment> all;
  for (int s = 1; s <= ports; ++s) all.push_back({servers.port(s), s});
  plane.attach(all);
  bool lit = false;
  for (auto _ : state) {
    lit = !lit;
    for (int port = 1; port <= ports; ++port) {
      plane.light_changed(port, lit ? 1 + (port - 1 + ports / 2) % ports : 0, {});
    }
  }
}

BENCHMARK_CAPTURE(light_changed, frames, false)->Arg(1)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(light_changed, carrier, true)->Arg(1)->Arg(128)->Unit(benchmark::kMicrosecond);

/// What is asked of one port over and over.
template <typename Ask>
void asked(benchmark::State& state, Ask ask) {
  if (const std::string why = TestServers::missing(); !why.empty()) {
    state.SkipWithError(why.c_str());
    return;
  }
  const TestServers servers(1);
  DataPlane plane({.ports = 1});
  plane.attach(std::vector<PortAttachment>{{servers.port(1), 1}});
  plane.refresh();
  for (auto _ : state) benchmark::DoNotOptimize(ask(plane));
}

BENCHMARK_CAPTURE(asked, refresh, [](DataPlane& plane) {
  return plane.refresh().size();
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(asked, counters, [](DataPlane& plane) {
  return plane.counters(1).frames;
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(asked, has_carrier, [](DataPlane& plane) {
  return plane.has_carrier(1);
})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mixnet
