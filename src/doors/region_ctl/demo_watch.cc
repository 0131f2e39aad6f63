#include "demo_watch.h"

#include <algorithm>
#include <chrono>

namespace mixnet::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};

/// A watch that breaks is not worth more than what was seen: the calls beside it tell the trouble.
template <typename Watch>
std::thread watching(Watch watch) {
  return std::thread([watch] {
    try {
      watch();
    } catch (const Error&) {
    }
  });
}

}  // namespace

double DemoFigures::percentile_ms(int percent) const {
  if (latencies_ms.empty()) return 0;
  std::vector<double> sorted = latencies_ms;
  const std::size_t last = sorted.size() - 1;
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>((last * percent + 99) / 100);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

DemoWatch::DemoWatch(RegionClient& daemon) : daemon_(daemon) {
  topologies_ = watching([this] {
    daemon_.watch_topology(1, [this](const v1::Topology& topology) {
      take(topology);
      return true;
    });
  });
  happenings_ = watching([this] {
    daemon_.watch_happenings([this](const v1::Happening& happening) {
      const std::lock_guard lock(mutex_);
      if (happening.kind() == "alarm") ++figures_.alarms;
      return true;
    });
  });
}

DemoWatch::~DemoWatch() { end(); }

void DemoWatch::end() {
  daemon_.cancel();
  if (topologies_.joinable()) topologies_.join();
  if (happenings_.joinable()) happenings_.join();
}

void DemoWatch::take(const v1::Topology& topology) {
  const std::lock_guard lock(mutex_);
  std::set<std::tuple<int, int, int, int>> now;
  for (const v1::Circuit& circuit : topology.circuits()) {
    now.emplace(circuit.server_a(), circuit.nic_a(), circuit.server_b(), circuit.nic_b());
  }
  for (const auto& circuit : now) figures_.moved += lit_.contains(circuit) ? 0 : 1;
  lit_ = std::move(now);
  figures_.lit = static_cast<std::int64_t>(lit_.size());
  if (awaited_ != 0 && topology.served().sequence() >= awaited_) {
    const auto took = system_env().monotonic_now() - reported_;
    const auto at = static_cast<std::size_t>(figures_.served++) % DemoFigures::kMostLatencies;
    if (at == figures_.latencies_ms.size()) figures_.latencies_ms.emplace_back();
    figures_.latencies_ms[at] = std::chrono::duration<double, std::milli>(took).count();
    awaited_ = 0;
  }
  changed_.notify_all();
}

void DemoWatch::begin(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  ++figures_.phases;
  awaited_ = sequence;
  reported_ = system_env().monotonic_now();
}

void DemoWatch::wait_served(Duration limit, bool (*interrupted)()) {
  const MonotonicTime end = system_env().monotonic_now() + std::chrono::nanoseconds(limit.ns);
  std::unique_lock lock(mutex_);
  while (awaited_ != 0 && !interrupted() && system_env().monotonic_now() < end) {
    changed_.wait_for(lock, kBetweenLooks);
  }
}

DemoFigures DemoWatch::figures() {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace mixnet::ctl
