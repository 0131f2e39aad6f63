#include "run_daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "daemon/daemon_settings.h"
#include "daemon/observed_switch.h"
#include "daemon/position_lease.h"
#include "daemon/region_engine.h"
#include "daemon/region_loop.h"
#include "drivers/open_switch.h"
#include "monitor/monitor.h"
#include "service/region_service.h"
#include "stop_signals.h"
#include "store_folder.h"

namespace mixnet::daemon {
namespace {

void print(std::string_view text) {
  if (const std::error_code reason = system_env().print(Env::Stream::kOut, text)) {
    throw Error("standard output", fmt::format("cannot be written ({})", reason.message()));
  }
}

/// "ready" is news for who waits for it; that nobody does must not end a controller.
void say(std::string_view text) { static_cast<void>(system_env().print(Env::Stream::kOut, text)); }

/// Where the caller has closed one of the three (`>&-`), the next socket would be it, and what is
/// said would go to a client, or to the switch.
void hold_standard_files() {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
    if (::fcntl(file, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

/// A position is a descriptor, and so is a client.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

DaemonSettings settings_of(const Flags& flags) {
  DaemonSettings settings = read_daemon_settings(flags.config);
  settings.observes = flags.observe;
  settings.insecure = flags.insecure;
  if (!flags.store.empty()) {
    settings.store = flags.store;
  } else if (settings.store.empty()) {
    settings.store = default_store(settings.site.name, flags.observe);
  } else if (flags.observe) {
    settings.store = observed_store(settings.store);
  }
  return settings;
}

std::string ranges(const std::vector<int>& positions) {
  std::string text;
  for (std::size_t i = 0; i < positions.size();) {
    std::size_t end = i + 1;
    while (end < positions.size() && positions[end] == positions[end - 1] + 1) ++end;
    if (!text.empty()) text += ",";
    text += fmt::format("{}", positions[i]);
    if (end - i > 1) text += fmt::format("-{}", positions[end - 1]);
    i = end;
  }
  return text;
}

std::string description(const DaemonSettings& settings) {
  const RegionConfig& region = settings.region;
  const auto plugged =
      std::ranges::count_if(settings.position_of_port, [](int position) { return position > 0; });
  std::string text = fmt::format("region {}: {} servers, {} NICs on {}\n", settings.site.name,
                                 region.servers, plugged, settings.address.shown());
  text += fmt::format("slice: ports {}\n", ranges(settings.slice()));
  text += fmt::format("policy {}, allocator {}, switch-delay {}, command-timeout {}\n",
                      to_string(region.policy), to_string(region.allocator),
                      to_string(region.switch_delay.to_time()),
                      to_string(region.command_timeout.to_time()));
  if (!settings.maintenance.empty()) {
    const Instant now{system_env().wall_now().time_since_epoch().count()};
    text += fmt::format("maintenance windows: {}{}\n", settings.maintenance.size(),
                        maintenance_at(settings.maintenance, now).held ? ", one of them now" : "");
  }
  const auto shown = [](const std::string& address) { return address.empty() ? "none" : address; };
  text += fmt::format("api {}, page {}, {}\n", shown(settings.api), shown(settings.page),
                      settings.tls.given() ? "TLS" : "no TLS");
  text += fmt::format("store {}\n", settings.store.string());
  return text;
}

int run_replay(const DaemonSettings& settings) {
  if (system_env().kind(settings.store) != Env::FileKind::kFolder) {
    throw Error(settings.store.string(), "there is no store", "--store FOLDER");
  }
  RegionStore store(settings.store, settings.site.name, settings.store_options);
  const ReplayResult result = replay(store);
  if (result.first_difference != 0) {
    print(
        fmt::format("record {} is decided otherwise: {}\n", result.first_difference, result.what));
    return 1;
  }
  print(result.events == 0
            ? "there is nothing to replay\n"
            : fmt::format("{} events from record {} on, {} commands: decided the same\n",
                          result.events, result.first, result.commands));
  return 0;
}

/// "127.0.0.1:7411" with the port that it became.
std::string with_port(const std::string& address, int port) {
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

}  // namespace

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config,
                 "The region: YAML, with what is where and, under controller:, how it is run")
      ->required();
  app.add_option(
      "--store", flags.store,
      "Folder of what must not be forgotten (controller.store, else\n"
      "/var/lib/mixnet/NAME where that may be written, else ~/.local/state/mixnet/NAME)");
  app.add_flag("--observe", flags.observe,
               "Read, plan and log what would be done; never write to the switch");
  app.add_flag("--insecure", flags.insecure,
               "No TLS, on the loopback only: whoever is on this machine is an operator");
  app.add_flag("--check", flags.check, "Only read the configuration and say what it is");
  app.add_flag("--replay", flags.replay,
               "Only decide again on all that the store has, and compare; 1: it differs");
}

int run(const Flags& flags) {
  hold_standard_files();
  const DaemonSettings settings = settings_of(flags);
  if (flags.check) {
    print(description(settings));
    return 0;
  }
  if (flags.replay) return run_replay(settings);
  check_exposure(settings);
  raise_descriptors();
  block_stop_signals();
  std::optional<PositionLease> lease;
  if (!settings.observes) lease.emplace(settings.address, settings.slice());
  RegionStore store(settings.store, settings.site.name, settings.store_options);
  const std::unique_ptr<OpticalSwitch> real = open_switch(settings.address, settings.slice());
  ObservedSwitch observed(*real);
  OpticalSwitch& device = settings.observes ? static_cast<OpticalSwitch&>(observed) : *real;
  RegionLoop loop(settings, store, device);
  const StopSignals signals([&loop] { loop.stop(); });  // goes before the loop
  const Monitor monitor(loop);
  std::optional<RegionService> service;
  if (!settings.api.empty()) {
    service.emplace(loop);
    print(fmt::format("api {}\n", with_port(settings.api, service->port())));
  }
  if (!settings.page.empty()) {
    print(fmt::format("page {}\n", with_port(settings.page, monitor.port())));
  }
  const auto ready = loop.listen([](const Happening& happening) {
    const auto* reached = std::get_if<MilestoneReached>(&happening);
    if (reached != nullptr && reached->milestone == Milestone::kReady) say("ready\n");
  });
  loop.run();
  return 0;
}

}  // namespace mixnet::daemon
