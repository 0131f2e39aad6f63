#include <benchmark/benchmark.h>

#include "base/random.h"
#include "wire/region_wire.h"

namespace {

using namespace mixnet;

// An all-to-all of 64 servers, a few megabytes a pair.
RecordedEvent demand_of_64() {
  Random random(1);
  DemandReport report{1, {1, 0, 0, false}, ServerDemand(64, 64), {}};
  for (std::int64_t& bytes : report.bytes.cells()) {
    bytes = static_cast<std::int64_t>(random.below(8'000'000));
  }
  return {Instant::unix_seconds(1'800'000'000), false, report};
}

void encode_demand(benchmark::State& state) {
  const RecordedEvent record = demand_of_64();
  for (auto _ : state) benchmark::DoNotOptimize(encode_record(record));
}
BENCHMARK(encode_demand)->Unit(benchmark::kMicrosecond);

void decode_demand(benchmark::State& state) {
  const std::string bytes = encode_record(demand_of_64());
  for (auto _ : state) benchmark::DoNotOptimize(decode_record(bytes, "bench"));
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(decode_demand)->Unit(benchmark::kMicrosecond);

}  // namespace
