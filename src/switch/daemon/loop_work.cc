#include "daemon/loop_work.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"
#include "daemon/device_view.h"
#include "daemon/maintenance.h"

namespace mixnet {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kAlarmsKept = 1'000;
/// The wall clock may be set, and a window with it.
constexpr std::chrono::seconds kLookAtClock{1};
constexpr Duration kLongestSleep = Duration::hours(1);

constexpr std::string_view kRunValue = "run";
constexpr std::string_view kServersValue = "servers";
constexpr std::string_view kPinsValue = "pins of the file";
constexpr std::string_view kMissingValue = "missing NICs";
constexpr std::string_view kHoldValue = "hold of an operator";

Instant instant_of(Env& env) { return Instant{env.wall_now().time_since_epoch().count()}; }

MonotonicTime after(MonotonicTime time, Duration span) {
  return time + nanoseconds(std::clamp(span, Duration::zero(), kLongestSleep).ns);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  TextLines reader(text);
  while (reader.next()) lines.emplace_back(reader.line());
  return lines;
}

std::string server_names(const DaemonSettings& settings) {
  std::string names;
  for (const SiteServer& server : settings.site.servers) names += server.name + "\n";
  return names;
}

/// Unix time, but for two runs in one clock tick, or after a step back.
std::int64_t begin_run(RegionStore& store, Instant now) {
  const auto last = number_in<std::int64_t>(store.value(kRunValue).value_or("0"));
  const std::int64_t run = std::max(now.ns, last.value_or(0) + 1);
  store.put_value(kRunValue, fmt::format("{}", run));
  return run;
}

RegionStore& same_servers(RegionStore& store, const DaemonSettings& settings) {
  const std::string names = server_names(settings);
  const auto before = store.value(kServersValue);
  if (before && *before != names) {
    throw Error(settings.input, "its servers are not those that the store knows",
                "name them as before, in that order, or begin anew with another folder (--store)");
  }
  if (!before) store.put_value(kServersValue, names);
  return store;
}

}  // namespace

LoopWork::LoopWork(const DaemonSettings& settings, RegionStore& store, HappeningHub& hub, Env& env)
    : settings_(settings),
      store_(same_servers(store, settings)),
      hub_(hub),
      env_(env),
      run_id_(begin_run(store, instant_of(env))),
      engine_(
          settings.region, store, instant_of(env),
          [this](const DeviceCommand& command) {
            return said(text_of(command, change_of(command, settings_, clutter_)));
          },
          env),
      activation_(settings, store),
      last_event_(env.monotonic_now()),
      up_at_(settings.position_of_port.size()) {}

Instant LoopWork::now() const { return instant_of(env_); }

/// Of a command: the trail of a daemon that only looks must not read as if it had acted.
std::string LoopWork::said(std::string text) const {
  return settings_.observes ? "not sent, only observed: " + text : text;
}

void LoopWork::milestone(Milestone milestone, std::string text) {
  hub_.tell(MilestoneReached{now(), milestone, std::move(text)});
}

// Starting.

void LoopWork::start() {
  milestone(Milestone::kStarted,
            fmt::format("from record {}{}", engine_.last_record(),
                        engine_.differences() == 0
                            ? ""
                            : fmt::format("; upon {} records this program decides otherwise than "
                                          "the one that wrote them",
                                          engine_.differences())));
  join_missing_nics();
  join_pins();
  operator_held_ = store_.value(kHoldValue) == "yes";
  window_held_ = maintenance_at(settings_.maintenance, now()).held;
  hold(operator_held_ || window_held_, "start");
  heard(Tick{}, env_.monotonic_now(), {}, nullptr, nullptr);
}

/// Tells of what the file has gained or lost since the last start, by lines of text.
void LoopWork::join(std::string_view name, const std::vector<std::string>& now,
                    const std::function<void(const std::string& item, bool is_new)>& differs) {
  const std::string text = fmt::format("{}", fmt::join(now, "\n"));
  const std::string stored = store_.value(name).value_or("");
  if (stored == text) return;
  const std::vector<std::string> before = lines_of(stored);
  const auto is_in = [](const std::vector<std::string>& list, const std::string& item) {
    return std::ranges::find(list, item) != list.end();
  };
  for (const std::string& item : before) {
    if (!is_in(now, item)) differs(item, false);
  }
  for (const std::string& item : now) {
    if (!is_in(before, item)) differs(item, true);
  }
  store_.put_value(name, text);
}

void LoopWork::join_pins() {
  std::vector<std::string> pins;
  for (const PositionPair& pin : settings_.site.pins) {
    pins.push_back(fmt::format("{}-{}", pin.a, pin.b));
  }
  join(kPinsValue, pins, [&](const std::string& pin, bool is_new) {
    const std::size_t dash = pin.find('-');
    const auto port = [&](std::string_view text) {
      const int position = number_in<int>(text).value_or(0);
      const bool is_known =
          position > 0 && position < static_cast<int>(settings_.port_of_position.size());
      return is_known ? settings_.port_of_position[position] : -1;
    };
    const std::string_view text = pin;
    const int a = port(text.substr(0, dash));
    const int b = dash == std::string::npos ? -1 : port(text.substr(dash + 1));
    if (a < 0 || b < 0) return;  // was of a NIC that is no more
    heard(CircuitPin{{std::min(a, b), std::max(a, b)}, is_new}, env_.monotonic_now(),
          {{now(), "region file", (is_new ? "pin " : "unpin ") + pin}}, nullptr, nullptr);
  });
}

/// Servers with fewer packet NICs than others have some that are as good as failed.
void LoopWork::join_missing_nics() {
  std::vector<std::string> missing;
  const int eps_nics = settings_.region.eps_nics;
  for (int s = 0; s < settings_.region.servers; ++s) {
    const auto has = std::ranges::count_if(settings_.site.servers[s].nics,
                                           [](const SiteNic& nic) { return nic.ocs == 0; });
    for (int k = static_cast<int>(has); k < eps_nics; ++k) {
      missing.push_back(fmt::format("{}", s * eps_nics + k));
    }
  }
  join(kMissingValue, missing, [&](const std::string& nic, bool is_new) {
    const auto index = number_in<int>(nic);
    if (!index || *index < 0 || *index >= settings_.region.servers * eps_nics) return;
    heard(HealthReport{.part = Part::kEpsNic, .index = *index, .failed = is_new},
          env_.monotonic_now(), {}, nullptr, nullptr);
  });
}

// Hearing.

void LoopWork::hear(HeardEvent&& event) {
  std::vector<AuditEntry> audit;
  if (const auto* hold = std::get_if<SwitchHold>(&event.event)) {
    operator_held_ = hold->held;
    store_.put_value(kHoldValue, hold->held ? "yes" : "no");
  }
  if (!event.what.empty()) audit.push_back({now(), std::move(event.who), std::move(event.what)});
  heard(std::move(event.event), event.received, std::move(audit), nullptr, &event.done);
}

void LoopWork::heard(Event&& event, MonotonicTime received, std::vector<AuditEntry> audit,
                     const DeviceDone* done, RegionLoop::Done* call) {
  const Instant at = now();
  last_event_ = env_.monotonic_now();
  const std::vector<Decision>& decisions = engine_.handle(at, event, audit);
  StageTimes times{.received = received,
                   .decided = engine_.decided(),
                   .stored = env_.monotonic_now(),
                   .handed = {}};
  RegionLoop::Outcome outcome{.taken = true, .record = engine_.last_record(), .alarms = {}};
  hand_out(decisions, outcome);
  times.handed = env_.monotonic_now();
  if (call != nullptr) {
    // Once, whatever fails afterwards.
    if (const RegionLoop::Done tell = std::exchange(*call, nullptr)) tell(outcome);
  }
  for (const Alarm& alarm : outcome.alarms) keep(alarm, at);
  for (AuditEntry& entry : audit) {
    hub_.tell(Audited{entry.at, std::move(entry.who), std::move(entry.what), false});
  }
  if (done != nullptr) hub_.tell(*done);
  hub_.tell(EventHandled{engine_.last_record(), at, event, decisions, engine_.state(), times});
  if (engine_.snapshot_due()) engine_.put_snapshot();
}

void LoopWork::hand_out(const std::vector<Decision>& decisions, RegionLoop::Outcome& outcome) {
  std::vector<DeviceWork> works;
  const MonotonicTime time = env_.monotonic_now();
  for (const Decision& decision : decisions) {
    if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
      works.push_back({.is_read = false,
                       .id = command->id,
                       .command = *command,
                       .change = change_of(*command, settings_, clutter_),
                       .dead_line = after(time, command->time_out)});
    } else if (const auto* read = std::get_if<ReadState>(&decision)) {
      works.push_back({.is_read = true,
                       .id = read->id,
                       .command = {},
                       .change = {},
                       .dead_line = after(time, read->time_out)});
    } else if (const auto* alarm = std::get_if<Alarm>(&decision)) {
      outcome.alarms.push_back(*alarm);
    }
  }
  if (works.empty()) return;
  if (worker_ != nullptr) return worker_->push(std::move(works));
  for (const DeviceWork& work : works) {
    if (work.is_read) continue;
    store_.audit({now(), "controller",
                  said(fmt::format("command {}: not sent, the daemon stops", work.id))});
  }
}

void LoopWork::keep(const Alarm& alarm, Instant at) {
  const std::lock_guard lock(alarms_mutex_);
  alarms_.emplace_back(at, alarm);
  if (alarms_.size() > kAlarmsKept) alarms_.pop_front();
}

std::vector<std::pair<Instant, Alarm>> LoopWork::alarms(int most) const {
  const std::lock_guard lock(alarms_mutex_);
  const auto count = std::min(alarms_.size(), static_cast<std::size_t>(std::max(most, 0)));
  return {alarms_.end() - static_cast<std::ptrdiff_t>(count), alarms_.end()};
}

void LoopWork::audit(std::string who, std::string what, bool refused) {
  const AuditEntry entry{now(), std::move(who), std::move(what)};
  store_.audit(entry);
  hub_.tell(Audited{entry.at, entry.who, entry.what, refused});
}

// The switch.

/// What the controller still waits for is asked again at once, for its next try is due only at the
/// dead-line, which doubles with every failure.
void LoopWork::read_again() {
  std::vector<DeviceWork> works = std::exchange(unread_, {});
  std::erase_if(works,
                [now = env_.monotonic_now()](const auto& work) { return work.dead_line <= now; });
  if (worker_ != nullptr && !works.empty()) worker_->push(std::move(works));
}

void LoopWork::take(DeviceResult&& result) {
  if (result.work.is_read && result.end == DeviceEnd::kFailed && !result.is_late) {
    std::erase_if(unread_, [&](const auto& work) { return work.dead_line <= result.done; });
    unread_.push_back(result.work);
  }
  const MonotonicTime linked = linked_at(result);
  if (linked <= env_.monotonic_now()) return deliver(std::move(result), linked);
  waiting_.emplace(linked, std::move(result));
}

/// When the NICs behind what it lit have a link; of a reading, behind what we have lit before.
MonotonicTime LoopWork::linked_at(const DeviceResult& result) {
  MonotonicTime linked = result.done;
  if (result.end == DeviceEnd::kSkipped) return linked;
  const auto port_of = [&](int position) { return settings_.port_of_position[position]; };
  const auto each_end = [&](const OpticalCircuit& circuit, const auto& what) {
    for (const int position : {circuit.a, circuit.b}) {
      if (position >= static_cast<int>(settings_.port_of_position.size())) continue;
      if (const int port = port_of(position); port >= 0) what(port);
    }
  };
  const auto light = [&](int port) {
    up_at_[port] = result.done + nanoseconds(activation_.wait(port).ns);
  };
  const auto wait = [&](int port) { linked = std::max(linked, up_at_[port]); };
  if (result.work.is_read) {
    for (const OpticalCircuit& circuit : result.read.circuits) each_end(circuit, wait);
  } else if (result.end == DeviceEnd::kFailed) {
    // It may have been carried out all the same, which the reading that follows will show.
    for (const OpticalCircuit& circuit : result.work.change.connect) each_end(circuit, light);
  } else {
    for (const PairResult& pair : result.report.pairs) {
      if (pair.connect && pair.outcome == PairOutcome::kDone) each_end(pair.circuit, light);
    }
    for (const OpticalCircuit& circuit : result.work.change.connect) each_end(circuit, wait);
  }
  return linked;
}

void LoopWork::deliver(DeviceResult&& result, MonotonicTime linked) {
  DeviceDone done{.id = result.work.id,
                  .tenant = result.work.command.tenant,
                  .is_read = result.work.is_read,
                  .disconnect = std::move(result.work.change.disconnect),
                  .connect = std::move(result.work.change.connect),
                  .report = std::move(result.report),
                  .error = std::move(result.error),
                  .begun = result.begun,
                  .sent = result.sent,
                  .done = result.done,
                  .linked = linked};
  const bool is_done = result.end == DeviceEnd::kDone;
  std::vector<AuditEntry> audit;
  std::optional<Event> event;
  bool became_ready = false;
  if (result.work.is_read) {
    if (is_done) {
      DeviceView view = view_of(result.read, settings_, engine_.state());
      clutter_ = std::move(view.clutter);
      taken_ = std::move(result.read.taken);
      event = DeviceState{result.work.id, std::move(view.lit)};
      became_ready = !std::exchange(was_read_, true);
      is_stale_ = false;
    }
  } else {
    const std::string what = is_done                            ? text_of(done.report)
                             : result.end == DeviceEnd::kFailed ? "failed: " + done.error
                                                                : "not sent: " + done.error;
    audit.push_back(
        {now(), "controller", said(fmt::format("command {}: {}", result.work.id, what))});
    if (is_done) {
      event = answer_of(result.work.command, done.report, settings_, taken_);
    } else if (result.end == DeviceEnd::kFailed && !result.is_late) {
      DeviceAnswer denied;
      denied.id = result.work.id;
      event = std::move(denied);
    }
  }
  if (event) {
    heard(std::move(*event), result.done, std::move(audit), &done, nullptr);
  } else {
    for (const AuditEntry& entry : audit) store_.audit(entry);
    hub_.tell(done);
  }
  if (became_ready) milestone(Milestone::kReady, "the switch was read");
}

void LoopWork::spoke(std::vector<SwitchEvent>&& events) {
  for (SwitchEvent& event : events) hub_.tell(SwitchSpoke{now(), std::move(event)});
}

void LoopWork::reached(const std::string& why) {
  if (!why.empty()) {
    is_stale_ = true;
    milestone(Milestone::kDeviceLost, why);
  } else if (was_read_) {
    milestone(Milestone::kDeviceBack, "the switch answers again");
  }
  if (why.empty()) read_again();
}

// Time.

MonotonicTime LoopWork::run_timers() {
  MonotonicTime time = env_.monotonic_now();
  while (!waiting_.empty() && waiting_.begin()->first <= time) {
    auto ready = waiting_.extract(waiting_.begin());
    deliver(std::move(ready.mapped()), ready.key());
  }
  watch_maintenance();
  time = env_.monotonic_now();
  if (time >= after(last_event_, engine_.controller().due_in())) {
    heard(Tick{}, time, {}, nullptr, nullptr);
  }
  MonotonicTime next =
      std::min(time + kLookAtClock, after(last_event_, engine_.controller().due_in()));
  if (!waiting_.empty()) next = std::min(next, waiting_.begin()->first);
  return next;
}

void LoopWork::watch_maintenance() {
  const bool is_window = maintenance_at(settings_.maintenance, now()).held;
  if (is_window == window_held_) return;
  window_held_ = is_window;
  hold(is_window || operator_held_, "maintenance window");
}

void LoopWork::hold(bool held, const std::string& who) {
  if (engine_.state().held == held) return;
  heard(SwitchHold{held}, env_.monotonic_now(), {{now(), who, held ? "hold" : "end of hold"}},
        nullptr, nullptr);
}

void LoopWork::finish() { engine_.put_snapshot(); }

}  // namespace mixnet
