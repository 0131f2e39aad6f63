// EmulatedSwitch: faults that stand or come from outside, and the alarms that tell of them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "emulator/emulated_switch.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostEvents = 4096;
constexpr Duration kReboot = Duration::seconds(2);
constexpr Duration kShortestReboot = Duration::milliseconds(1);
constexpr Duration kReadDelay = Duration::seconds(1);

MonotonicTime end_of(const Fault& fault, MonotonicTime now) {
  return fault.lasts ? after(now, *fault.lasts) : MonotonicTime::max();
}

}  // namespace

void EmulatedSwitch::strike(const Fault& fault, MonotonicTime now) {
  now_ = std::max(now_, now);
  if (fault.stage != FaultStage::kIdle || fault.after > 0 || fault.rate > 0) {
    faults_.arm(fault);
  } else if (occur(fault, {}, now)) {
    faults_.record(fault.kind, fault.stage);
  }
}

bool EmulatedSwitch::occur(const Fault& fault, std::span<const int> ports, MonotonicTime now) {
  const auto port = [&] { return fault.port != 0 ? fault.port : any_port(ports); };
  switch (fault.kind) {
    case FaultKind::kDrop:
      ++drops_;
      return true;
    case FaultKind::kStuck:
    case FaultKind::kStuckSilently:
      return stick(fault, port(), now);
    case FaultKind::kLostCircuit:
      return lose_circuit(fault.port, ports, now);
    case FaultKind::kSwapped:
      return swap_fibres(fault, now);
    case FaultKind::kDark:
      return darken(fault, port(), now);
    case FaultKind::kReboot:
    case FaultKind::kRebootLost:
      reboot(fault, now);
      return true;
    case FaultKind::kAlarm: {
      const AlarmLevel levels[] = {AlarmLevel::kMinor, AlarmLevel::kMajor, AlarmLevel::kCritical};
      report(levels[faults_.random().below(3)], "spurious", port(), "nothing is wrong");
      return true;
    }
    case FaultKind::kDeny:
    case FaultKind::kSilence:
    case FaultKind::kHalfApplied:
    case FaultKind::kSlow:
      break;  // of a request, of which there is none here
  }
  return false;
}

bool EmulatedSwitch::lose_circuit(int port, std::span<const int> ports, MonotonicTime now) {
  std::vector<LightPath> candidates;
  const auto consider = [&](int from, int to) {
    if (from != 0 && to != 0) candidates.push_back({from, to});
  };
  const auto known = [&](int p) { return p >= 1 && p <= config_.ports; };
  const auto consider_port = [&](int p) {
    if (!known(p)) return;
    consider(p, standing_.path_from(p));
    consider(standing_.path_to(p), p);
  };
  if (port != 0) {
    consider_port(port);
  } else {
    std::ranges::for_each(ports, consider_port);
    if (candidates.empty()) candidates = standing_.paths();
  }
  if (candidates.empty()) return false;
  const LightPath lost = candidates[faults_.random().below(candidates.size())];
  for (const LightPath path : {lost, LightPath{lost.to, lost.from}}) {
    if (!standing_.holds(path)) continue;
    standing_.remove(path);
    target_.remove(path);
    refresh(path.from, now);
  }
  ++revision_;
  const auto [a, b] = std::minmax(lost.from, lost.to);
  report(AlarmLevel::kMajor, "lost-circuit", port != 0 ? port : lost.from,
         fmt::format("the circuit {}-{} is lost", a, b));
  return true;
}

bool EmulatedSwitch::stick(const Fault& fault, int port, MonotonicTime now) {
  if (stuck_[index(port)]) return false;
  stuck_[index(port)] = fault.kind;
  faults_standing_.push_back({fault.kind, port, 0, end_of(fault, now)});
  ++revision_;
  if (fault.kind == FaultKind::kStuck) {
    report(AlarmLevel::kCritical, "port-stuck", port, "the port does not move");
  }
  return true;
}

bool EmulatedSwitch::darken(const Fault& fault, int port, MonotonicTime now) {
  if (light_.is_dark(port)) return false;
  light_.set_dark(port, true);
  faults_standing_.push_back({fault.kind, port, 0, end_of(fault, now)});
  ++revision_;
  refresh(light_.input_of(port), now);
  report(AlarmLevel::kMajor, "loss-of-light", port, "no light enters");
  return true;
}

bool EmulatedSwitch::swap_fibres(const Fault& fault, MonotonicTime now) {
  // Exchanges of one fibre with several would not come apart again in any order.
  std::vector<int> right;
  for (int port = 1; port <= config_.ports; ++port) {
    if (light_.exit_of(port) == port) right.push_back(port);
  }
  const auto take = [&](int wanted) {
    const auto found =
        wanted != 0 ? std::ranges::find(right, wanted)
        : right.empty()
            ? right.end()
            : right.begin() + static_cast<std::ptrdiff_t>(faults_.random().below(right.size()));
    if (found == right.end()) return 0;
    const int port = *found;
    right.erase(found);
    return port;
  };
  const int a = take(fault.port);
  const int b = take(fault.with);
  if (a == 0 || b == 0) return false;
  light_.swap(a, b, FibreEnd::kOut);
  faults_standing_.push_back({fault.kind, a, b, end_of(fault, now)});
  refresh_light(now);
  return true;
}

void EmulatedSwitch::end_fault(const Standing& fault, MonotonicTime now) {
  ++revision_;
  switch (fault.kind) {
    case FaultKind::kStuck:
    case FaultKind::kStuckSilently:
      stuck_[index(fault.port)].reset();
      break;
    case FaultKind::kDark:
      light_.set_dark(fault.port, false);
      refresh(light_.input_of(fault.port), now);
      break;
    case FaultKind::kSwapped:
      light_.swap(fault.port, fault.with, FibreEnd::kOut);
      refresh_light(now);
      break;
    default:
      break;
  }
}

void EmulatedSwitch::heal(MonotonicTime now) {
  faults_.disarm();
  for (const Standing& fault : std::exchange(faults_standing_, {})) end_fault(fault, now);
  reboot_ends_ = MonotonicTime::min();
}

void EmulatedSwitch::reboot(const Fault& fault, MonotonicTime now) {
  reboot_ends_ = after(now, std::max(kShortestReboot, fault.lasts.value_or(kReboot)));
  ++drops_;
  for (const Movement& movement : std::exchange(movements_, {})) abandon(movement);
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    count(ports_of(waiting.request), -1, awaited_);
    drop(waiting.id);
  }
  for (const LateAnswer& late : std::exchange(late_, {})) drop(late.answer.id);
  if (fault.kind == FaultKind::kRebootLost) {
    standing_ = PathTable(config_.ports);
    // What a movement holds that is being closed or ended now is its own to forget.
    for (const LightPath path : target_.paths()) {
      if (moving_.inputs[index(path.from)] == 0) target_.remove(path);
    }
    refresh_light(now);
  }
  ++revision_;
  report(AlarmLevel::kCritical, "reboot", 0, "the switch starts again");
}

void EmulatedSwitch::report(AlarmLevel level, std::string_view code, int port, std::string text) {
  if (events_.size() == kMostEvents) events_.pop_front();
  events_.push_back({level, std::string(code), port, std::move(text)});
}

std::vector<SwitchEvent> EmulatedSwitch::take_events() {
  std::deque<SwitchEvent> events = std::exchange(events_, {});
  return {std::make_move_iterator(events.begin()), std::make_move_iterator(events.end())};
}

int EmulatedSwitch::any_port(std::span<const int> ports) {
  if (!ports.empty()) {
    const int port = ports[faults_.random().below(ports.size())];
    if (port >= 1 && port <= config_.ports) return port;
  }
  return 1 + static_cast<int>(faults_.random().below(static_cast<std::uint64_t>(config_.ports)));
}

ReadVerdict EmulatedSwitch::on_read(MonotonicTime now) {
  now_ = std::max(now_, now);
  if (is_rebooting(now)) return {.drop = true};
  const std::optional<Fault> fault = faults_.strike(FaultStage::kReading);
  if (!fault) return {};
  const bool own = !is_event(fault->kind);
  if (own || occur(*fault, {}, now)) faults_.record(fault->kind, fault->stage);
  ReadVerdict verdict;
  verdict.deny = fault->kind == FaultKind::kDeny;
  verdict.silent = fault->kind == FaultKind::kSilence;
  verdict.drop = fault->kind == FaultKind::kDrop || is_rebooting(now);
  if (fault->kind == FaultKind::kSlow) verdict.delay = fault->lasts.value_or(kReadDelay);
  return verdict;
}

}  // namespace mixnet
