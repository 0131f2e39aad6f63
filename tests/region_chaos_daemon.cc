// The daemon of the chaos test: mixnetd's loop, store and driver, with a clock that the test sets
// and a job that it feeds itself. It is meant to be killed.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "base/random.h"
#include "daemon/region_loop.h"
#include "drivers/open_switch.h"
#include "region_chaos.h"
#include "steppable_env.h"

namespace mixnet::chaos {
namespace {

constexpr int kTenant = 1;

DemandReport skewed_demand(Random& random, std::uint64_t sequence) {
  DemandReport report{kTenant, {sequence, 0, 0, false}, ServerDemand(kServers, kServers), {}};
  for (std::size_t from = 0; from < kServers; ++from) {
    for (std::size_t to = 0; to < kServers; ++to) {
      if (from == to) continue;
      report.bytes(from, to) =
          1 + static_cast<std::int64_t>(random.below(4) == 0 ? random.below(1'000'000)
                                                             : random.below(1'000));
    }
  }
  return report;
}

class Watcher {
 public:
  /// `log`: what it has heard and done, for a person who has to find out.
  Watcher(RegionLoop& loop, Shared& shared, const std::filesystem::path& log)
      : loop_(loop), shared_(shared), log_(log) {
    subscription_ = loop.listen([this](const Happening& happening) { see(happening); });
  }

 private:
  void see(const Happening& happening) {
    if (const auto* handled = std::get_if<EventHandled>(&happening)) {
      log_ << "event " << handled->event.index() << ':';
      for (const Decision& decision : handled->decisions) tell(decision);
      log_ << std::endl;
      const Slice* slice = handled->state.find(kTenant);
      if (std::exchange(is_first_, false)) {
        shared_.pending =
            (slice != nullptr && (slice->running != 0 || slice->next_phase.sequence != 0));
      }
      if (!loop_.is_ready()) {
        shared_.state = kStarting;
      } else {
        shared_.state = slice == nullptr
                            ? kSettled
                            : static_cast<int>(slice->step) + static_cast<int>(kSettled);
        shared_.ready = 1;
      }
    } else if (const auto* done = std::get_if<DeviceDone>(&happening)) {
      if (!done->is_read) ++shared_.commands;
      log_ << "done " << done->id << (done->is_read ? " read " : " command ") << done->error
           << std::endl;
      const auto over = (done->done - done->begun) - std::chrono::milliseconds(kCommandTimeout);
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(over).count();
      if (ns > shared_.late_ns) shared_.late_ns = ns;
    }
  }

  void tell(const Decision& decision) {
    if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
      log_ << " command " << command->id << " -";
      for (const PortPair& pair : command->disconnect) log_ << ' ' << pair.a << '/' << pair.b;
      log_ << " +";
      for (const PortPair& pair : command->connect) log_ << ' ' << pair.a << '/' << pair.b;
    } else if (const auto* alarm = std::get_if<Alarm>(&decision)) {
      log_ << ' ' << to_string(alarm->code) << ' ' << alarm->subject;
    } else if (const auto* read = std::get_if<ReadState>(&decision)) {
      log_ << " read " << read->id;
    }
  }

  RegionLoop& loop_;
  Shared& shared_;
  std::ofstream log_;
  bool is_first_ = true;
  RegionLoop::Subscription subscription_;
};

void look(RegionLoop& loop, Shared& shared) {
  const std::uint64_t asked = shared.asked;
  if (asked == shared.answered) return;
  const bool seen = loop.inspect([&](const RegionState& state) {
    int suspects = 0;
    for (int port = 0; port < kOurs; ++port) {
      shared.lit[port] = state.lit[port];
      shared.target[port] = -1;
      suspects += state.suspect(port) ? 1 : 0;
    }
    bool settled = true;
    for (const Slice& slice : state.slices) {
      settled = settled && slice.step == Step::kSettled && !slice.replan;
      for (const PortPair& pair : slice.target) {
        shared.target[pair.a] = pair.b;
        shared.target[pair.b] = pair.a;
      }
    }
    shared.suspects = suspects;
    shared.settled = settled ? 1 : 0;
  });
  if (seen) shared.answered = asked;
}

/// Whether the tenant is there; `sequence`: its latest phase.
bool tenant_is_there(RegionLoop& loop, std::uint64_t& sequence) {
  bool there = false;
  loop.inspect([&](const RegionState& state) {
    const Slice* slice = state.find(kTenant);
    there = slice != nullptr;
    if (!there) return;
    sequence = std::max({slice->phase.sequence, slice->next_phase.sequence, slice->running,
                         slice->ended, sequence});
  });
  return there;
}

void run_job(RegionLoop& loop, Shared& shared, std::uint64_t seed, const std::atomic<bool>& ends) {
  Random random(seed);
  std::uint64_t sequence = 0;
  bool there = false;
  while (!ends) {
    look(loop, shared);
    std::this_thread::sleep_for(std::chrono::microseconds(500 + random.below(4'000)));
    if (shared.job_runs == 0 || shared.ready == 0) continue;
    if (!there) {
      there = tenant_is_there(loop, sequence);
      if (!there) loop.post(TenantAdd{kTenant, {0, 1, 2, 3}});
      continue;
    }
    loop.post(skewed_demand(random, ++sequence));
    if (random.below(3) != 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(3'000)));
      loop.post(PhaseMark{kTenant, sequence, true});
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(3'000)));
      loop.post(PhaseMark{kTenant, sequence, false});
    }
    shared.phases = sequence;
  }
}

}  // namespace

int run_daemon(const std::filesystem::path& folder, std::uint64_t seed) {
  SharedFile shared(folder / "shared");
  shared->ready = 0;
  shared->state = kStarting;
  shared->commands = 0;
  try {
    SteppableEnv env([&] { return std::chrono::nanoseconds(shared->clock_offset_ns.load()); });
    const DaemonSettings settings = read_daemon_settings(folder / "region.yaml", env);
    RegionStore store(settings.store, settings.site.name, settings.store_options, env);
    const auto device = open_switch(settings.address, settings.slice(), env);
    RegionLoop loop(settings, store, *device, env);
    const Watcher watcher(loop, *shared, folder / "log");
    std::atomic<bool> ends{false};
    std::thread job([&] { run_job(loop, *shared, seed, ends); });
    std::exception_ptr fault;
    try {
      loop.run();
    } catch (...) {
      fault = std::current_exception();
    }
    ends = true;
    job.join();
    if (fault) std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    fmt::print(stderr, "chaos daemon: {}\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace mixnet::chaos
