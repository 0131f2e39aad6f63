// What an append costs its caller, with the log being kept short beside it. The counters are
// microseconds; the folder is $MIXNET_BENCH_FOLDER, else the one that it is started in: a disk, as
// a file system in memory would tell nothing.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "store/region_store.h"

namespace mixnet {
namespace {

std::string new_folder() {
  const char* const chosen = std::getenv("MIXNET_BENCH_FOLDER");
  std::string folder = std::string(chosen == nullptr ? "." : chosen) + "/store-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) std::abort();
  return folder;
}

/// A store at its limits: a start of the daemon after months.
void open_at_the_limits(benchmark::State& state) {
  const std::string folder = new_folder();
  const StoreOptions options;
  {
    RegionStore store(folder, "bench", options);
    store.put_snapshot(0, "x");
    const std::vector<AuditEntry> entries(
        80, {Instant{}, "controller", "connect gpu-0:eth2-gpu-1:eth3"});
    const std::string record(20'000, 'x');
    for (std::uint64_t event = 1; event <= 13'000; ++event) {
      store.append(record, entries);
      if (event % 2'000 == 0) store.put_snapshot(event, std::string(100'000, 'x'));
    }
  }
  state.counters["file_MB"] =
      static_cast<double>(std::filesystem::file_size(folder + "/region.db")) / 1e6;
  for (auto _ : state) {
    RegionStore store(folder, "bench", options);
    benchmark::DoNotOptimize(store.load());
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(open_at_the_limits)->Unit(benchmark::kMillisecond);

/// Arguments: durability, bytes of a record, microseconds between two appends.
void append_10000(benchmark::State& state) {
  const std::string folder = new_folder();
  StoreOptions options;
  options.durability = static_cast<Durability>(state.range(0));
  std::string record(static_cast<std::size_t>(state.range(1)), 'x');
  std::vector<double> took;
  Env& env = system_env();
  {
    RegionStore store(folder, "bench", options);
    for (auto _ : state) {
      for (std::size_t i = 0; i < 10'000; ++i) {
        record[i % record.size()] = static_cast<char>(i);
        const MonotonicTime begin = env.monotonic_now();
        store.append(record);
        const MonotonicTime end = env.monotonic_now();
        took.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
        if (state.range(2) > 0) env.sleep_until(end + std::chrono::microseconds(state.range(2)));
      }
    }
  }
  std::filesystem::remove_all(folder);
  std::ranges::sort(took);
  const auto at = [&took](double share) {
    return took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["p99.9_us"] = at(0.999);
  state.counters["most_us"] = took.back();
}
constexpr int kProcess = static_cast<int>(Durability::kProcess);
constexpr int kPower = static_cast<int>(Durability::kPower);
BENCHMARK(append_10000)
    ->ArgNames({"power", "bytes", "pause_us"})
    ->Args({kProcess, 20, 0})
    ->Args({kProcess, 20'000, 0})
    ->Args({kProcess, 20'000, 1'000})
    ->Args({kPower, 20, 0})
    ->Args({kPower, 20'000, 0})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
