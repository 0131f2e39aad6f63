// A region's daemon in this process, as mixnetd runs it (loop, store, driver), on an emulated
// switch of the loopback: for tests that need the whole of it.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "daemon/region_loop.h"
#include "drivers/open_switch.h"
#include "emulated_device.h"
#include "scratch_folder.h"

namespace mixnet {

struct LiveRegionOptions {
  int servers = 8;
  int optical_nics = 6;
  int eps_nics = 2;
  int first_position = 1;
  SwitchProtocol protocol = SwitchProtocol::kTl1;
  std::string controller;  ///< lines under `controller:`, each indented by two
};

class LiveRegion {
 public:
  LiveRegion(EmulatedDevice& device, const LiveRegionOptions& options)
      : settings_(parse_daemon_settings(text(device, options), "region.yaml")),
        store_(folder_.path() / "store", settings_.site.name, settings_.store_options),
        driver_(open_switch(settings_.address, settings_.slice())),
        loop_(settings_, store_, *driver_),
        subscription_(loop_.listen([this](const Happening& happening) { see(happening); })),
        thread_([this] { run(); }) {}
  LiveRegion(const LiveRegion&) = delete;
  LiveRegion& operator=(const LiveRegion&) = delete;
  ~LiveRegion() {
    loop_.stop();
    thread_.join();
  }

  RegionLoop& loop() { return loop_; }
  const DaemonSettings& settings() const { return settings_; }

  void add_tenant() {
    await([&](const RegionState&) { return loop_.is_ready(); });
    TenantAdd add{1, {}};
    for (int server = 0; server < settings_.region.servers; ++server) add.servers.push_back(server);
    loop_.post(add);
    await([](const RegionState& state) {
      const Slice* slice = state.find(1);
      return slice != nullptr && slice->step == Step::kSettled;
    });
  }

  /// Until it holds after some event. Throws after ten seconds.
  template <typename Condition>
  void await(Condition holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (true) {
      bool met = false;
      if (!loop_.inspect([&](const RegionState& state) { met = holds(state); })) {
        throw std::runtime_error("the daemon has stopped");
      }
      if (met) return;
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("waited in vain");
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
  }
  /// Nothing is under way or to be done for the tenant.
  void await_settled() {
    await([](const RegionState& state) {
      const Slice* slice = state.find(1);
      return slice != nullptr && slice->step == Step::kSettled && !slice->replan &&
             (slice->next_phase.sequence == 0 || slice->running != 0);
    });
  }

  static std::string text(EmulatedDevice& device, const LiveRegionOptions& options) {
    const int nics = options.optical_nics;
    std::string yaml = fmt::format("name: live-{}\nswitch: \"{}://127.0.0.1:{}\"\nservers:\n",
                                   options.first_position, to_string(options.protocol),
                                   device.address(options.protocol).port);
    for (int server = 0; server < options.servers; ++server) {
      yaml += fmt::format("  - name: gpu-{}\n    nics:\n", server);
      for (int nic = 0; nic < nics; ++nic) {
        yaml += fmt::format("      - {{interface: ocs{}, ocs: {}}}\n", nic,
                            options.first_position + server * nics + nic);
      }
      for (int nic = 0; nic < options.eps_nics; ++nic) {
        yaml += fmt::format("      - {{interface: eps{}}}\n", nic);
      }
    }
    return yaml + "controller:\n  api: none\n  page: none\n" + options.controller;
  }

 private:
  void run() {
    try {
      loop_.run();
    } catch (const std::exception& error) {
      fmt::print(stderr, "live region: {}\n", error.what());
    }
  }
  void see(const Happening& happening) {
    if (std::holds_alternative<EventHandled>(happening)) changed_.notify_all();
  }

  ScratchFolder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  DaemonSettings settings_;
  RegionStore store_;
  std::unique_ptr<OpticalSwitch> driver_;
  RegionLoop loop_;
  RegionLoop::Subscription subscription_;
  std::thread thread_;
};

}  // namespace mixnet
