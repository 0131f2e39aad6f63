// What the controller of a region costs: from a demand's report to the commands on their way, and
// to the topology verified and announced, with a switch that takes no time.
//
//   region_latency [CHANGES]     10000 of each line
//
// A line is a region, a driver, an allocator and a durability of the store; each change is a new
// random demand, one after the other is served. Times are from the report, as the loop takes it:
//   decided   the controller has planned      stored    its event is in the store
//   handed    the driver's thread has it      sent      the driver has looked at the switch and
//   announced read back, and told to all                written its last command
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/random.h"
#include "live_region.h"

namespace mixnet {
namespace {

struct Line {
  int servers, nics;
  SwitchProtocol protocol;
  std::string_view allocator, policy, durability;
};

ServerDemand skewed(Random& random, int servers, int change) {
  ServerDemand bytes(static_cast<std::size_t>(servers), static_cast<std::size_t>(servers));
  for (std::size_t from = 0; from < bytes.rows(); ++from) {
    for (std::size_t to = 0; to < bytes.columns(); ++to) {
      const bool is_other_half = servers == 8 && (from + to + static_cast<std::size_t>(change)) % 2;
      bytes(from, to) =
          is_other_half ? 0 : static_cast<std::int64_t>(2e7 * std::exp(random.normal()));
    }
  }
  return bytes;
}

/// Milliseconds of each stage, by change.
struct Stages {
  std::vector<double> decided, stored, handed, sent, announced;
  std::int64_t circuits = 0;
};

class Meter {
 public:
  explicit Meter(LiveRegion& live)
      : live_(live),
        subscription_(live.loop().listen([this](const Happening& happening) { see(happening); })) {}

  void change(DemandReport report, Stages& stages) {
    std::unique_lock lock(mutex_);
    awaited_ = report.phase.sequence;
    has_sent_ = is_announced_ = false;
    live_.loop().post(std::move(report));
    if (!changed_.wait_for(lock, std::chrono::seconds(10), [this] { return is_announced_; })) {
      throw std::runtime_error("a demand was not served");
    }
    if (!has_sent_) return;  // it wanted what is lit
    const auto ms = [&](MonotonicTime time) {
      return std::chrono::duration<double, std::milli>(time - times_.received).count();
    };
    stages.decided.push_back(ms(times_.decided));
    stages.stored.push_back(ms(times_.stored));
    stages.handed.push_back(ms(times_.handed));
    stages.sent.push_back(ms(sent_));
    stages.announced.push_back(ms(announced_));
    stages.circuits += circuits_;
  }

 private:
  void see(const Happening& happening) {
    const MonotonicTime now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (const auto* handled = std::get_if<EventHandled>(&happening)) {
      const auto* demand = std::get_if<DemandReport>(&handled->event);
      if (demand != nullptr && demand->phase.sequence == awaited_) times_ = handled->times;
      const Slice* slice = handled->state.find(1);
      if (slice == nullptr || slice->step != Step::kSettled ||
          slice->announced.served.sequence != awaited_ || is_announced_) {
        return;
      }
      announced_ = now;
      is_announced_ = true;
      changed_.notify_all();
    } else if (const auto* done = std::get_if<DeviceDone>(&happening)) {
      if (done->is_read) return;
      sent_ = done->sent;
      has_sent_ = true;
      circuits_ = static_cast<std::int64_t>(done->connect.size());
    }
  }

  LiveRegion& live_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t awaited_ = 0;
  bool has_sent_ = false, is_announced_ = false;
  StageTimes times_;
  MonotonicTime sent_, announced_;
  std::int64_t circuits_ = 0;
  RegionLoop::Subscription subscription_;
};

std::string percentiles(std::vector<double> values) {
  if (values.empty()) return fmt::format("{:>13}", "-");
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return fmt::format("{:>6.2f} {:>6.2f}", at(0.5), at(0.99));
}

void measure(const Line& line, int changes) {
  EmulatedSwitchConfig config;
  config.ports = line.servers * line.nics;
  EmulatedDevice device(config);
  LiveRegionOptions options;
  options.servers = line.servers;
  options.optical_nics = line.nics;
  options.protocol = line.protocol;
  options.controller =
      fmt::format("  policy: {}\n  allocator: {}\n  durability: {}\n  switch-delay: 25ms\n",
                  line.policy, line.allocator, line.durability);
  LiveRegion live(device, options);
  live.add_tenant();
  Meter meter(live);
  Random random(1);
  Stages stages;
  for (int i = 1; i <= changes; ++i) {
    meter.change(
        {1, {static_cast<std::uint64_t>(i), 0, 0, false}, skewed(random, line.servers, i), {}},
        stages);
  }
  const auto made = static_cast<std::int64_t>(stages.sent.size());
  fmt::print("{:>3} x {}  {:<5} {:<8} {:<8} {:<8} {:>7} {:>6}  {} {} {} {} {}\n", line.servers,
             line.nics, to_string(line.protocol), line.policy, line.allocator, line.durability,
             made, made == 0 ? 0 : stages.circuits / made, percentiles(stages.decided),
             percentiles(stages.stored), percentiles(stages.handed), percentiles(stages.sent),
             percentiles(stages.announced));
  std::fflush(stdout);
}

}  // namespace
}  // namespace mixnet

int main(int argc, char** argv) {
  using enum mixnet::SwitchProtocol;
  const int changes = argc > 1 ? std::max(1, std::atoi(argv[1])) : 10'000;
  fmt::print(
      "Milliseconds since a demand's report: p50 and p99 of each stage\n"
      "{:<7}  {:<5} {:<8} {:<8} {:<8} {:>7} {:>6}  {:>13} {:>13} {:>13} {:>13} {:>13}\n",
      "region", "over", "policy", "circuits", "store", "changes", "moved", "decided", "stored",
      "handed", "sent", "announced");
  constexpr mixnet::Line kLines[] = {
      {64, 6, kTl1, "refined", "hitless", "process"}, {64, 6, kTl1, "greedy", "hitless", "process"},
      {64, 6, kTl1, "greedy", "block", "process"},    {64, 6, kGnmi, "greedy", "block", "process"},
      {8, 6, kTl1, "refined", "block", "process"},    {8, 6, kScpi, "refined", "block", "process"},
      {8, 6, kGnmi, "refined", "block", "process"},   {8, 6, kTl1, "refined", "block", "power"},
      {8, 6, kScpi, "refined", "block", "power"},     {8, 6, kGnmi, "refined", "block", "power"}};
  for (const mixnet::Line& line : kLines) mixnet::measure(line, changes);
  return 0;
}
