// A daemon on one thread and a simulated clock, for tests of hours in seconds: the engine, its
// store and a switch, with what RegionLoop does between them (device_view.h), so that everything
// that happens is seeded. It can be killed at any moment: between what the switch was told and what
// is heard of it as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fake_env.h"
#include "base/random.h"
#include "daemon/device_view.h"
#include "daemon/region_engine.h"
#include "daemon/test_region.h"
#include "ocs/switch_error.h"

namespace mixnet {

class SimulatedDaemon {
 public:
  /// All but the store outlive it.
  SimulatedDaemon(const DaemonSettings& settings, std::filesystem::path store,
                  OpticalSwitch& device, FakeEnv& env)
      : settings_(settings), folder_(std::move(store)), device_(device), env_(env) {
    restart();
  }

  void restart() {
    engine_.reset();
    store_.reset();
    store_.emplace(folder_, settings_.site.name);
    engine_.emplace(settings_.region, *store_, now());
    clutter_.clear();
    taken_.clear();
    last_event_ = env_.monotonic_now();
    ++restarts;
    tell(Tick{});
  }

  Instant now() { return Instant{env_.wall_now().time_since_epoch().count()}; }
  const RegionState& state() const { return engine_->state(); }
  RegionStore& store() { return *store_; }

  /// The event, and all that follows from it at once. `kill_after`: the daemon dies when it has
  /// done so many things to the switch.
  void tell(const Event& event, int kill_after = 1 << 30) {
    std::deque<Event> waiting = {event};
    while (!waiting.empty()) {
      last_event_ = env_.monotonic_now();
      const std::vector<Decision> decisions = engine_->handle(now(), waiting.front());
      waiting.pop_front();
      if (engine_->snapshot_due()) engine_->put_snapshot();
      for (const Decision& decision : decisions) {
        const auto* command = std::get_if<DeviceCommand>(&decision);
        const auto* read = std::get_if<ReadState>(&decision);
        if (command == nullptr && read == nullptr) continue;
        const auto answer = command != nullptr ? carry_out(*command) : look(*read);
        if (--kill_after == 0) return restart();
        if (answer) waiting.push_back(*answer);
      }
    }
  }

  /// Lets time pass, `span` at most, up to the next deadline; the Tick where it is due.
  void pass(Duration span) {
    const Duration due = engine_->controller().due_in();
    const auto since = env_.monotonic_now() - last_event_;
    const auto left = std::chrono::nanoseconds(due.ns) - since;
    const auto wait = std::min<std::chrono::nanoseconds>(std::chrono::nanoseconds(span.ns), left);
    env_.advance(std::max(wait, std::chrono::nanoseconds(0)));
    if (wait >= left) tell(Tick{});
  }

  bool is_at_rest() const {
    return std::ranges::all_of(state().slices, [](const Slice& slice) {
      return slice.step == Step::kSettled && !slice.replan;
    });
  }

  int restarts = -1;
  std::int64_t commands = 0, failures = 0;

 private:
  MonotonicTime dead_line(Duration time_out) {
    return env_.monotonic_now() + std::chrono::nanoseconds(time_out.ns);
  }

  std::optional<Event> carry_out(const DeviceCommand& command) {
    const MonotonicTime end = dead_line(command.time_out);
    ++commands;
    try {
      const ChangeReport report = device_.apply(change_of(command, settings_, clutter_), end);
      return answer_of(command, report, settings_, taken_);
    } catch (const SwitchError&) {
      ++failures;
      if (env_.monotonic_now() >= end) return std::nullopt;
      DeviceAnswer answer;
      answer.id = command.id;
      return answer;
    }
  }

  std::optional<Event> look(const ReadState& read) {
    try {
      const CrossConnects found = device_.cross_connects(dead_line(read.time_out));
      DeviceView view = view_of(found, settings_, state());
      clutter_ = std::move(view.clutter);
      taken_ = found.taken;
      return DeviceState{read.id, std::move(view.lit)};
    } catch (const SwitchError&) {
      ++failures;
      return std::nullopt;
    }
  }

  const DaemonSettings& settings_;
  std::filesystem::path folder_;
  OpticalSwitch& device_;
  FakeEnv& env_;
  std::optional<RegionStore> store_;
  std::optional<RegionEngine> engine_;
  std::vector<OpticalCircuit> clutter_;
  std::vector<int> taken_;
  MonotonicTime last_event_;
};

/// What may happen to a daemon and its switch, by chance.
class Chaos {
 public:
  static constexpr int kServers = 6;

  Chaos(std::uint64_t seed, EmulatorAccess& access, FakeEnv& env)
      : random_(seed), access_(access), env_(env) {}

  /// One thing of the world.
  void happen(SimulatedDaemon& daemon) {
    const auto kill = [&] {
      return random_.below(8) == 0 ? 1 + static_cast<int>(random_.below(3)) : 1 << 30;
    };
    switch (random_.below(14)) {
      case 0:
        strike();
        break;
      case 1:
        patch();
        break;
      case 2:
        heal();
        break;
      case 3: {
        static constexpr std::int64_t kSteps[] = {-3'600'000, -1'500, -3, 2, 900, 3'700'000};
        env_.step_wall_clock(std::chrono::milliseconds(kSteps[random_.below(6)]));
        break;
      }
      case 4:
        if (random_.below(4) == 0) daemon.restart();
        break;
      case 5:
        tenants(daemon);
        break;
      case 6:
        operators(daemon);
        break;
      default:
        daemon.tell(demand(), kill());
    }
  }

  void heal() {
    access_.device.faults().disarm();
    access_.device.heal(env_.monotonic_now());
  }

  std::int64_t patches = 0, strikes = 0;

 private:
  int some(int count) { return static_cast<int>(random_.below(static_cast<std::uint64_t>(count))); }

  void strike() {
    Fault fault;
    do {
      fault.kind = static_cast<FaultKind>(some(static_cast<int>(kFaultKinds)));
      fault.stage = static_cast<FaultStage>(some(static_cast<int>(kFaultStages)));
    } while (!why_impossible(fault.kind, fault.stage).empty());
    if (is_event(fault.kind) || some(2) == 0)
      fault.lasts = Duration::milliseconds(200 + some(20'000));
    access_.device.advance(env_.monotonic_now());
    access_.device.strike(fault, env_.monotonic_now());
    ++strikes;
  }

  /// Somebody's hand: a path is made or goes, anywhere.
  void patch() {
    const MonotonicTime now = env_.monotonic_now();
    access_.device.advance(now);
    const int ports = access_.device.config().ports;
    PathRequest request;
    const int from = 1 + some(ports);
    const int to = 1 + some(ports);
    request.clear_inputs = {from};
    request.clear_outputs = {to};
    if (some(3) > 0) request.add = {{from, to}};
    if (some(2) > 0 && from != to) {
      request.clear_inputs.push_back(to);
      request.clear_outputs.push_back(from);
      if (!request.add.empty()) request.add.push_back({to, from});
    }
    access_.device.request(request, now);
    ++patches;
  }

  Event demand() {
    DemandReport report = ring_demand(1, ++sequence_, kServers, 1 + some(kServers - 1));
    report.bytes(0, 1) += some(1'000'000'000);
    return report;
  }

  void tenants(SimulatedDaemon& daemon) {
    if (some(4) == 0) {
      daemon.tell(TenantRemove{1});
    } else {
      daemon.tell(TenantAdd{1, first_servers(kServers)});
    }
    daemon.tell(PhaseMark{1, std::max<std::uint64_t>(sequence_, 1), some(2) == 0});
  }

  void operators(SimulatedDaemon& daemon) {
    switch (some(4)) {
      case 0:
        return daemon.tell(ServerDrain{some(kServers), some(3) == 0});
      case 1:
        return daemon.tell(CircuitPin{{some(2), 2 + some(6)}, some(2) == 0});
      case 2:
        return daemon.tell(SwitchHold{some(4) == 0});
      default:
        return daemon.tell(
            HealthReport{static_cast<Part>(some(4)), some(kServers), some(3) == 0, 0});
    }
  }

  Random random_;
  EmulatorAccess& access_;
  FakeEnv& env_;
  std::uint64_t sequence_ = 0;
};

}  // namespace mixnet
