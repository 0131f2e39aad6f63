// What tests of the daemon share: a region's file, a folder for its store, an emulated switch, and
// a loop that runs on a thread.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "daemon/region_loop.h"
#include "emulator/fake_emulator_driver.h"

namespace mixnet {

/// Servers s0, s1, ... of `nics` optical NICs at positions 1, 2, ... and one NIC beside the switch.
inline std::string region_text(int servers, int nics, const std::string& more = "") {
  std::string text = "name: test\nswitch: scpi://127.0.0.1\n" + more;
  if (!more.empty() && more.back() != '\n') text += "\n";
  text += "servers:\n";
  int position = 0;
  for (int s = 0; s < servers; ++s) {
    text += fmt::format("  - name: s{}\n    nics:\n", s);
    for (int k = 0; k < nics; ++k) {
      text += fmt::format("      - {{interface: o{}, ocs: {}}}\n", k, ++position);
    }
    text += "      - {interface: eth0}\n";
  }
  return text;
}

inline DaemonSettings test_settings(int servers, int nics, const std::string& more = "") {
  return parse_daemon_settings(region_text(servers, nics, more), "region.yaml");
}

inline EmulatedSwitchConfig test_switch(int ports, std::string_view timing = "none",
                                        Sides sides = Sides::kOne) {
  EmulatedSwitchConfig config;
  config.ports = ports;
  config.sides = sides;
  config.timing = SwitchTiming::parse(timing, "--timing");
  return config;
}

/// A folder that goes with it.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mixnet-daemon-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// All pairs of the first servers: each sends as much to the next as to all others together.
inline DemandReport ring_demand(int tenant, std::uint64_t sequence, int servers, int shift = 1) {
  DemandReport report;
  report.tenant = tenant;
  report.phase.sequence = sequence;
  report.bytes = ServerDemand(static_cast<std::size_t>(servers), static_cast<std::size_t>(servers));
  for (int a = 0; a < servers; ++a) {
    for (int b = 0; b < servers; ++b) {
      if (a == b) continue;
      report.bytes(static_cast<std::size_t>(a), static_cast<std::size_t>(b)) =
          (a + shift) % servers == b ? 1'000'000'000 : 1'000'000;
    }
  }
  return report;
}

inline std::vector<int> first_servers(int count) {
  std::vector<int> servers;
  for (int s = 0; s < count; ++s) servers.push_back(s);
  return servers;
}

/// A daemon without doors, which tests wait upon.
class RunningRegion {
 public:
  RunningRegion(DaemonSettings settings, const std::filesystem::path& store, OpticalSwitch& device)
      : settings_(std::move(settings)),
        store_(store, settings_.site.name),
        loop_(settings_, store_, device) {
    subscription_ = loop_.listen([this](const Happening& happening) { note(happening); });
    thread_ = std::thread([this] {
      try {
        loop_.run();
      } catch (const Error& error) {
        const std::lock_guard lock(mutex_);
        failure_ = error.what();
      }
      const std::lock_guard lock(mutex_);
      ended_ = true;
      news_.notify_all();
    });
  }
  RunningRegion(const RunningRegion&) = delete;
  RunningRegion& operator=(const RunningRegion&) = delete;
  ~RunningRegion() { stop(); }

  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  RegionLoop& loop() { return loop_; }
  const DaemonSettings& settings() const { return settings_; }
  std::string failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  /// Until the loop's state is so, for 5 s at most.
  bool wait_for(const std::function<bool(const RegionState&)>& is_so) {
    for (int i = 0; i < 1'000; ++i) {
      bool so = false;
      if (!loop_.inspect([&](const RegionState& state) { so = is_so(state); })) return false;
      if (so) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool wait_settled() {
    return wait_for([](const RegionState& state) {
      return std::ranges::all_of(state.slices, [](const Slice& slice) {
        return slice.step == Step::kSettled && !slice.replan;
      });
    });
  }
  std::vector<PortPair> lit() {
    std::vector<PortPair> pairs;
    loop_.inspect([&](const RegionState& state) {
      for (int p = 0; p < state.config.ports(); ++p) {
        if (state.lit[p] > p) pairs.push_back({p, state.lit[p]});
      }
    });
    return pairs;
  }

  RegionLoop::Outcome post(Event event, std::string what = {}) {
    std::mutex mutex;
    std::condition_variable news;
    std::optional<RegionLoop::Outcome> outcome;
    loop_.post(std::move(event), "test", std::move(what), [&](const RegionLoop::Outcome& one) {
      const std::lock_guard lock(mutex);
      outcome = one;
      news.notify_all();
    });
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return outcome.has_value(); });
    return *outcome;
  }

  struct Done {
    std::uint64_t id;
    bool is_read;
    std::string error;
    SwitchChange change;
    MonotonicTime begun, sent, done, linked;
  };
  struct Seen {
    std::vector<Done> done;
    std::vector<Milestone> milestones;
    std::vector<SwitchEvent> spoke;
    std::vector<StageTimes> times;
    std::vector<Audited> audited;
    std::size_t port_readings = 0;
  };
  Seen seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  bool wait_seen(const std::function<bool(const Seen&)>& is_so) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, std::chrono::seconds(20), [&] { return is_so(seen_); });
  }

 private:
  void note(const Happening& happening) {
    const std::lock_guard lock(mutex_);
    if (const auto* done = std::get_if<DeviceDone>(&happening)) {
      seen_.done.push_back({done->id,
                            done->is_read,
                            done->error,
                            {done->disconnect, done->connect},
                            done->begun,
                            done->sent,
                            done->done,
                            done->linked});
    } else if (const auto* milestone = std::get_if<MilestoneReached>(&happening)) {
      seen_.milestones.push_back(milestone->milestone);
    } else if (const auto* spoke = std::get_if<SwitchSpoke>(&happening)) {
      seen_.spoke.push_back(spoke->event);
    } else if (const auto* handled = std::get_if<EventHandled>(&happening)) {
      seen_.times.push_back(handled->times);
    } else if (const auto* audited = std::get_if<Audited>(&happening)) {
      seen_.audited.push_back(*audited);
    } else if (std::holds_alternative<PortsRead>(happening)) {
      ++seen_.port_readings;
    }
    news_.notify_all();
  }

  DaemonSettings settings_;
  RegionStore store_;
  std::mutex mutex_;
  std::condition_variable news_;
  Seen seen_;
  std::string failure_;
  bool ended_ = false;
  RegionLoop loop_;
  RegionLoop::Subscription subscription_;
  std::thread thread_;
};

}  // namespace mixnet
