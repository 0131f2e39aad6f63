// EmulatedSwitch: how a movement closes and ends, and who is told of the light.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "emulator/emulated_switch.h"

namespace mixnet {
namespace {

constexpr int kSlowFactor = 10;

}  // namespace

void EmulatedSwitch::close(Movement movement, MonotonicTime now) {
  const bool bypass = std::ranges::all_of(
      movement.requests, [](const MovingRequest& moving) { return moving.request.bypass; });
  const Duration drawn = config_.timing.draw(pairs_of(movement, config_.sides), bypass,
                                             derive_seed(config_.seed, movement.number));
  Duration takes;
  bool slow = false;
  const std::uint64_t drops = drops_;
  for (MovingRequest& moving : movement.requests) {
    takes = std::max(takes, moving.request.takes.value_or(drawn));
    slow = strike_moving(moving, now) || slow;
    if (drops_ != drops) {  // rebooted
      abandon(movement, now);
      return;
    }
  }
  if (slow) takes = takes * kSlowFactor;
  movement.ends = std::max(now, after(movement.opened, takes));
  for (const MovingRequest& moving : movement.requests) {
    count(ports_of(moving.request), 1, closed_);
  }
  announce(movement);
  movements_.insert(movements_.begin(), std::move(movement));
}

void EmulatedSwitch::announce(const Movement& movement) {
  if (!light_changed_) return;
  PathTable ahead(config_.ports);
  const auto is_stuck = [&](int port) { return stuck_[index(port)].has_value(); };
  settle(movement, config_.sides, is_stuck, ahead);
  for (const int input : ports_of(movement).inputs) {
    const int output = ahead.path_from(input);
    if (output == 0 || !light_.passes(input, output)) continue;
    tell(light_.source_of(input), light_.exit_of(output), *movement.ends);
  }
}

bool EmulatedSwitch::strike_moving(MovingRequest& moving, MonotonicTime now) {
  const std::vector<int> positions = positions_of(moving.request);
  const std::optional<Fault> fault = faults_.strike(FaultStage::kMoving, positions);
  if (!fault) return false;
  bool struck = true;
  switch (fault->kind) {
    case FaultKind::kDeny:
      moving.fate = Fate::kReverted;
      moving.answer.refusal = Refusal::kDenied;
      moving.answer.port = fault->port;
      break;
    case FaultKind::kSilence:
      moving.fate = Fate::kDarkened;
      moving.answer.silent = true;
      break;
    case FaultKind::kHalfApplied:
      moving.fate = Fate::kHalf;
      break;
    case FaultKind::kDrop:
      moving.answered = true;
      drop(moving.id);
      break;
    case FaultKind::kSlow:
      break;
    case FaultKind::kStuck: {
      const int port = fault->port != 0 ? fault->port : any_port(positions);
      struck = stick(*fault, port, now);
      moving.answer.refusal = Refusal::kStuck;
      moving.answer.port = port;
      break;
    }
    default:
      struck = occur(*fault, positions, now);
  }
  if (struck) faults_.record(fault->kind, fault->stage);
  return fault->kind == FaultKind::kSlow;
}

void EmulatedSwitch::come_to_rest(const Movement& movement, MonotonicTime now) {
  for (const MovingRequest& moving : movement.requests) {
    count(ports_of(moving.request), -1, moving_);
    count(ports_of(moving.request), -1, closed_);
    for (const LightPath path : moving.request.add) {
      if (target_.holds(path)) target_.remove(path);
    }
  }
  const auto is_stuck = [&](int port) { return stuck_[index(port)].has_value(); };
  settle(movement, config_.sides, is_stuck, standing_);
  const NamedPorts ports = ports_of(movement);
  for (const int input : ports.inputs) {
    const int output = standing_.path_from(input);
    if (output != 0) target_.add({input, output});
    refresh(input, now);
  }
  for (const int port : positions_of(ports)) wear_[index(port)] += is_stuck(port) ? 0 : 1;
  ++revision_;
}

void EmulatedSwitch::finish(Movement movement, MonotonicTime now) {
  come_to_rest(movement, now);
  const Duration took =
      Duration::nanoseconds(std::chrono::nanoseconds(*movement.ends - movement.opened).count());
  for (MovingRequest& moving : movement.requests) {
    if (moving.answered) continue;
    is_rebooting(now) ? drop(moving.id) : strike_settled(moving, took, now);
  }
  release_waiting(now);
  if (!movements_.empty() || !late_.empty() || is_rebooting(now)) return;
  const std::optional<Fault> fault = faults_.strike(FaultStage::kIdle);
  if (fault && occur(*fault, {}, now)) faults_.record(fault->kind, fault->stage);
}

void EmulatedSwitch::strike_settled(MovingRequest& moving, Duration took, MonotonicTime now) {
  const std::vector<int> positions = positions_of(moving.request);
  const std::optional<Fault> fault =
      moving.answer.silent ? std::nullopt : faults_.strike(FaultStage::kSettled, positions);
  if (fault) {
    const std::uint64_t drops = drops_;
    const bool struck = !is_event(fault->kind) || occur(*fault, positions, now);
    if (struck) faults_.record(fault->kind, fault->stage);
    if (fault->kind == FaultKind::kDrop || drops_ != drops) return drop(moving.id);
    if (fault->kind == FaultKind::kSlow) {
      late_.push_back({after(now, took * (kSlowFactor - 1)), moving.answer});
      return;
    }
    if (fault->kind == FaultKind::kSilence) moving.answer.silent = true;
    if (fault->kind == FaultKind::kDeny) {
      moving.answer.refusal = Refusal::kDenied;
      moving.answer.port = fault->port;
    }
  }
  if (moving.answer.silent) {
    answers_.push_back(moving.answer);
  } else {
    answer(moving.answer, positions, now);
  }
}

void EmulatedSwitch::abandon(const Movement& movement, MonotonicTime now) {
  for (const MovingRequest& moving : movement.requests) {
    count(ports_of(moving.request), -1, moving_);
    if (movement.ends) count(ports_of(moving.request), -1, closed_);
    for (const LightPath path : moving.request.add) {
      if (target_.holds(path)) target_.remove(path);
    }
    if (!moving.answered) drop(moving.id);
  }
  for (const int input : ports_of(movement).inputs) refresh(input, now);  // that was announced
  ++revision_;
}

int EmulatedSwitch::exit_now(int input) const {
  const int output = standing_.path_from(input);
  return output != 0 && light_.passes(input, output) ? light_.exit_of(output) : 0;
}

void EmulatedSwitch::refresh(int input, MonotonicTime now) {
  tell(light_.source_of(input), exit_now(input), now);
}

void EmulatedSwitch::tell(int source, int exit, MonotonicTime now) {
  if (lit_[index(source)] == exit) return;
  lit_[index(source)] = exit;
  if (light_changed_) light_changed_(source, exit, exit == 0 ? now : after(now, config_.nic_up));
}

void EmulatedSwitch::refresh_light(MonotonicTime now) {
  // First what goes dark, so that nowhere two lights are told of.
  for (int input = 1; input <= config_.ports; ++input) {
    const int source = light_.source_of(input);
    if (exit_now(input) != lit_[index(source)]) tell(source, 0, now);
  }
  for (int input = 1; input <= config_.ports; ++input) refresh(input, now);
  ++revision_;
}

}  // namespace mixnet
