#include <benchmark/benchmark.h>

#include "emulator/emulated_switch.h"

namespace mixnet {
namespace {

/// 24 circuits of 1,024 ports moved to and fro: request, gathering, settling, answer.
void change_of_24_pairs(benchmark::State& state) {
  EmulatedSwitchConfig config;
  config.ports = 1024;
  config.timing = SwitchTiming::parse("polatis", "bench");
  EmulatedSwitch device(config, [](int, int, MonotonicTime) {});
  PathRequest there;
  PathRequest back;
  for (int pair = 0; pair < 24; ++pair) {
    const int a = 1 + 3 * pair;
    for (const LightPath path : {LightPath{a, a + 1}, LightPath{a + 1, a}})
      there.add.push_back(path);
    for (const LightPath path : {LightPath{a, a + 2}, LightPath{a + 2, a}})
      back.add.push_back(path);
  }
  back.remove = there.add;
  there.remove = back.add;
  PathRequest first = there;
  first.remove.clear();
  MonotonicTime now;
  const auto make = [&](const PathRequest& request) {
    device.request(request, now);
    while (device.next_event()) device.advance(now = *device.next_event());
    benchmark::DoNotOptimize(device.take_answers());
  };
  make(first);
  bool is_there = true;
  for (auto _ : state) {
    make(is_there ? back : there);
    is_there = !is_there;
  }
}
BENCHMARK(change_of_24_pairs)->Unit(benchmark::kMicrosecond);

void read_1024_ports(benchmark::State& state) {
  EmulatedSwitchConfig config;
  config.ports = 1024;
  const EmulatedSwitch device(config);
  for (auto _ : state) {
    for (int port = 1; port <= 1024; ++port) benchmark::DoNotOptimize(device.reading(port));
  }
}
BENCHMARK(read_1024_ports)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mixnet
