// Controller overhead: from a demand's arrival until all commands lie with the switch, and until
// its topology is verified and announced, with the store as a daemon has it and a switch of no
// delay in memory. Percentiles of 10,000 reconfigurations; run with --benchmark_filter and one
// repetition.
//
//   region_loop/SERVERS/ALLOCATOR(0 greedy, 1 refined)
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "base/random.h"
#include "daemon/region_loop.h"

namespace mixnet {
namespace {

constexpr int kNics = 6;
constexpr int kRounds = 10'000;

/// Does as it is told.
class MemorySwitch final : public OpticalSwitch {
 public:
  SwitchCapabilities capabilities(MonotonicTime) override { return {}; }
  CrossConnects cross_connects(MonotonicTime) override { return {.circuits = circuits_}; }
  ChangeReport apply(const SwitchChange& change, MonotonicTime) override {
    ChangeReport report;
    report.sent = system_env().monotonic_now();
    std::erase_if(circuits_, [&](const OpticalCircuit& circuit) {
      return std::ranges::find(change.disconnect, circuit) != change.disconnect.end();
    });
    circuits_.insert(circuits_.end(), change.connect.begin(), change.connect.end());
    for (const OpticalCircuit& circuit : change.connect) report.pairs.push_back({circuit, true});
    return report;
  }
  std::vector<PortReading> ports(std::span<const int>, MonotonicTime) override { return {}; }
  std::vector<SwitchEvent> events(MonotonicTime) override { return {}; }

 private:
  std::vector<OpticalCircuit> circuits_;
};

DaemonSettings settings_of(int servers, AllocatorKind allocator) {
  std::string text = "switch: scpi://127.0.0.1\nservers:\n";
  for (int s = 0, position = 0; s < servers; ++s) {
    text += fmt::format("  - {{name: s{}, nics: [{{interface: n}}", s);
    for (int k = 0; k < kNics; ++k) {
      text += fmt::format(", {{interface: o{}, ocs: {}}}", k, ++position);
    }
    text += "]}\n";
  }
  text += fmt::format("controller: {{allocator: {}}}\n", to_string(allocator));
  return parse_daemon_settings(text, "bench");
}

/// Waits for what one demand makes.
class Watch {
 public:
  void operator()(const Happening& happening) {
    const auto* handled = std::get_if<EventHandled>(&happening);
    const auto* done = std::get_if<DeviceDone>(&happening);
    const std::lock_guard lock(mutex_);
    if (done != nullptr && !done->is_read) sent_ = std::max(sent_, done->sent);
    if (handled == nullptr) return;
    if (std::holds_alternative<DemandReport>(handled->event)) received_ = handled->times.received;
    const Slice* slice = handled->state.find(1);
    if (slice != nullptr && slice->step == Step::kSettled && slice->served.sequence >= wanted_ &&
        wanted_ > 0) {
      end_ = handled->times.handed;
      wanted_ = 0;
      news_.notify_one();
    }
  }
  void expect(std::uint64_t sequence) {
    const std::lock_guard lock(mutex_);
    wanted_ = sequence;
    sent_ = MonotonicTime::min();
  }
  /// Microseconds until all was sent (0: nothing was), and until it was announced.
  std::pair<double, double> wait() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return wanted_ == 0; });
    const auto us = [this](MonotonicTime time) {
      return std::max(0.0, std::chrono::duration<double, std::micro>(time - received_).count());
    };
    return {sent_ == MonotonicTime::min() ? 0 : us(sent_), us(end_)};
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::uint64_t wanted_ = 0;
  MonotonicTime received_, sent_, end_;
};

double percentile(std::vector<double>& times, double share) {
  if (times.empty()) return 0;
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(share * double(times.size() - 1));
  std::ranges::nth_element(times, at);
  return *at;
}

void region_loop(benchmark::State& state) {
  const int servers = static_cast<int>(state.range(0));
  const DaemonSettings settings =
      settings_of(servers, state.range(1) == 0 ? AllocatorKind::kGreedy : AllocatorKind::kRefined);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("mixnet-loop-bench-{}", ::getpid());
  MemorySwitch device;
  Watch watch;
  std::vector<double> sent, announced;
  for (auto _ : state) {
    RegionStore store(folder, settings.site.name);
    RegionLoop loop(settings, store, device);
    const auto subscription = loop.listen([&](const Happening& one) { watch(one); });
    std::thread thread([&] { loop.run(); });
    TenantAdd add{1, {}};
    for (int s = 0; s < servers; ++s) add.servers.push_back(s);
    loop.post(add);
    Random random(1);
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      DemandReport demand;
      demand.tenant = 1;
      demand.phase.sequence = round;
      const auto n = static_cast<std::size_t>(servers);
      demand.bytes = ServerDemand(n, n);
      for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = 0; b < n; ++b) {
          if (a != b) demand.bytes(a, b) = static_cast<std::int64_t>(random.below(1'000'000'000));
        }
      }
      watch.expect(round);
      loop.post(std::move(demand));
      const auto [to_switch, to_jobs] = watch.wait();
      if (to_switch > 0) sent.push_back(to_switch);
      announced.push_back(to_jobs);
    }
    loop.stop();
    thread.join();
  }
  std::filesystem::remove_all(folder);
  state.counters["changes"] = static_cast<double>(sent.size());
  state.counters["sent_p50_us"] = percentile(sent, 0.5);
  state.counters["sent_p99_us"] = percentile(sent, 0.99);
  state.counters["announced_p50_us"] = percentile(announced, 0.5);
  state.counters["announced_p99_us"] = percentile(announced, 0.99);
}
BENCHMARK(region_loop)->ArgsProduct({{8, 64}, {0, 1}})->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace mixnet
