#include "emulator/emulated_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace mixnet {

EmulatedSwitch::EmulatedSwitch(EmulatedSwitchConfig config, LightChanged light_changed)
    : config_(std::move(config)),
      light_changed_(std::move(light_changed)),
      light_(config_.ports, config_.seed),
      faults_(config_.seed),
      standing_(config_.ports),
      target_(config_.ports),
      lit_(index(config_.ports) + 1),
      wear_(index(config_.ports) + 1),
      stuck_(index(config_.ports) + 1) {
  for (Taken* taken : {&moving_, &closed_, &awaited_}) {
    taken->inputs.resize(index(config_.ports) + 1);
    taken->outputs.resize(index(config_.ports) + 1);
  }
}

RequestId EmulatedSwitch::request(const PathRequest& request, MonotonicTime now) {
  now_ = std::max(now_, now);
  const RequestId id = ++last_id_;
  if (is_rebooting(now)) {
    drop(id);
  } else {
    receive(id, request, now);
    advance(now);  // where nothing is gathered, it is under way already, or done
  }
  return id;
}

void EmulatedSwitch::receive(RequestId id, PathRequest request, MonotonicTime now) {
  const std::vector<int> positions = positions_of(request);
  if (const std::optional<Fault> fault = faults_.strike(FaultStage::kReceived, positions)) {
    const std::uint64_t drops = drops_;
    bool struck = true;
    if (fault->kind == FaultKind::kHalfApplied) {
      request = first_half(request, config_.sides);
    } else if (is_event(fault->kind) || fault->kind == FaultKind::kStuck) {
      struck = occur(*fault, positions, now);
    }
    if (struck) faults_.record(fault->kind, fault->stage);
    if (fault->kind == FaultKind::kDrop || drops_ != drops) return drop(id);
    RequestAnswer refused = {.id = id, .refusal = Refusal::kDenied, .port = fault->port};
    if (fault->kind == FaultKind::kDeny) return answer(refused, positions, now);
    refused.silent = true;
    if (fault->kind == FaultKind::kSilence) return answers_.push_back(refused);
  }
  // What the device lacks is in no list of taken ports: it is refused now.
  const bool known =
      positions.empty() || (positions.front() >= 1 && positions.back() <= config_.ports);
  const NamedPorts ports = ports_of(request);
  if (known && (meets(ports, closed_) || meets(ports, awaited_))) {
    count(ports, 1, awaited_);
    waiting_.push_back({id, std::move(request)});
    return;
  }
  accept(id, std::move(request), now);
}

void EmulatedSwitch::drop(RequestId id) {
  answers_.push_back({.id = id, .refusal = Refusal::kDenied, .silent = true, .drop = true});
}

bool EmulatedSwitch::meets(const NamedPorts& ports, const Taken& taken) const {
  const auto in = [](const std::vector<int>& list, const std::vector<int>& counts) {
    return std::ranges::any_of(list, [&](int port) { return counts[index(port)] > 0; });
  };
  return in(ports.inputs, taken.inputs) || in(ports.outputs, taken.outputs);
}

void EmulatedSwitch::count(const NamedPorts& ports, int by, Taken& taken) {
  for (const int port : ports.inputs) taken.inputs[index(port)] += by;
  for (const int port : ports.outputs) taken.outputs[index(port)] += by;
}

void EmulatedSwitch::accept(RequestId id, PathRequest request, MonotonicTime now) {
  RequestAnswer refused = {.id = id};
  const NamedPorts named = ports_of(request);
  refused.refusal = resolve(request, refused.port);
  if (refused.refusal == Refusal::kNone) refused.refusal = plan(request, refused.port);
  const bool is_made = request.remove.empty() && request.add.empty();
  // What others have asked for already is done when their movement is over, not before.
  if (refused.refusal != Refusal::kNone || (is_made && !meets(named, moving_))) {
    return answer(refused, positions_of(named), now);
  }
  join(id, std::move(request), now);
}

Refusal EmulatedSwitch::resolve(PathRequest& request, int& port) const {
  for (const std::vector<int>* list : {&request.clear_inputs, &request.clear_outputs}) {
    for (const int named : *list) {
      port = named;
      if (named < 1 || named > config_.ports) return Refusal::kNoSuchPort;
    }
  }
  port = 0;
  if (request.clear_inputs.empty() && request.clear_outputs.empty()) return Refusal::kNone;
  std::set<LightPath> adds(request.add.begin(), request.add.end());
  std::set<LightPath> removes(request.remove.begin(), request.remove.end());
  const auto clear = [&](LightPath path) {
    if (path.from != 0 && path.to != 0 && !adds.contains(path)) removes.insert(path);
  };
  for (const int input : request.clear_inputs) clear({input, target_.path_from(input)});
  for (const int output : request.clear_outputs) clear({target_.path_to(output), output});
  std::erase_if(request.add, [&](LightPath path) {
    const bool known = path.from >= 1 && path.from <= config_.ports;
    return known && target_.holds(path) && !removes.contains(path);
  });
  request.remove.assign(removes.begin(), removes.end());
  request.clear_inputs.clear();
  request.clear_outputs.clear();
  return Refusal::kNone;
}

Refusal EmulatedSwitch::check_pairs(const std::vector<LightPath>& paths, int& port) const {
  for (const LightPath path : paths) {
    for (const int end : {path.from, path.to}) {
      port = end;
      if (end < 1 || end > config_.ports) return Refusal::kNoSuchPort;
      if (stuck_[index(end)] == FaultKind::kStuck) return Refusal::kStuck;
    }
  }
  if (config_.sides == Sides::kOne) {
    std::vector<LightPath> ordered = paths;
    std::ranges::sort(ordered);
    for (const LightPath path : paths) {
      port = path.from;
      const LightPath back = {path.to, path.from};
      if (path.from == path.to || !std::ranges::binary_search(ordered, back)) {
        return Refusal::kBadPair;
      }
    }
  }
  return Refusal::kNone;
}

Refusal EmulatedSwitch::plan(const PathRequest& request, int& port) {
  for (const std::vector<LightPath>* paths : {&request.remove, &request.add}) {
    const Refusal refusal = check_pairs(*paths, port);
    if (refusal != Refusal::kNone) return refusal;
  }
  std::size_t removed = 0;
  std::size_t added = 0;
  const auto undo = [&](Refusal refusal, int culprit) {
    for (std::size_t i = 0; i < added; ++i) target_.remove(request.add[i]);
    for (std::size_t i = 0; i < removed; ++i) target_.add(request.remove[i]);
    port = culprit;
    return refusal;
  };
  for (const LightPath path : request.remove) {
    if (!target_.holds(path)) return undo(Refusal::kNoSuchPath, path.from);
    target_.remove(path);
    ++removed;
  }
  for (const LightPath path : request.add) {
    if (!target_.is_free(path)) {
      return undo(Refusal::kPortInUse, target_.path_from(path.from) != 0 ? path.from : path.to);
    }
    target_.add(path);
    ++added;
  }
  port = 0;
  return Refusal::kNone;
}

void EmulatedSwitch::join(RequestId id, PathRequest request, MonotonicTime now) {
  if (movements_.empty() || movements_.back().ends) {
    const Duration gather = config_.timing.is_none() ? Duration() : config_.gather;
    Movement& opened = movements_.emplace_back();
    opened.number = ++last_movement_;
    opened.opened = now;
    opened.closes = after(now, gather);
  }
  Movement& movement = movements_.back();
  count(ports_of(request), 1, moving_);
  for (const LightPath path : request.remove) {
    if (!standing_.holds(path)) continue;  // added by a request of this movement
    standing_.remove(path);
    movement.before.push_back(path);
    refresh(path.from, now);
  }
  MovingRequest& moving = movement.requests.emplace_back();
  moving.id = moving.answer.id = id;
  moving.request = std::move(request);
  ++revision_;
}

void EmulatedSwitch::answer(RequestAnswer answer, std::span<const int> ports, MonotonicTime now) {
  const std::optional<Fault> fault = faults_.strike(FaultStage::kAnswered, ports);
  const std::size_t place = answers_.size();
  answers_.push_back(answer);
  if (!fault) return;
  const std::uint64_t drops = drops_;
  if (fault->kind == FaultKind::kDrop) {
    faults_.record(fault->kind, fault->stage);
    answers_[place].drop_after = true;
  } else if (occur(*fault, ports, now)) {
    faults_.record(fault->kind, fault->stage);
    answers_[place].drop_after = drops_ != drops;  // rebooted
  }
}

std::vector<RequestAnswer> EmulatedSwitch::take_answers() { return std::exchange(answers_, {}); }

void EmulatedSwitch::release_waiting(MonotonicTime now) {
  // Those that still wait keep their ports from those behind them.
  std::deque<Waiting> waiting = std::exchange(waiting_, {});
  for (const Waiting& one : waiting) count(ports_of(one.request), -1, awaited_);
  for (Waiting& one : waiting) {
    if (is_rebooting(now)) {
      drop(one.id);
      continue;
    }
    const NamedPorts ports = ports_of(one.request);
    if (meets(ports, closed_) || meets(ports, awaited_)) {
      count(ports, 1, awaited_);
      waiting_.push_back(std::move(one));
    } else {
      accept(one.id, std::move(one.request), now);
    }
  }
}

std::optional<MonotonicTime> EmulatedSwitch::next_event() const {
  std::optional<MonotonicTime> next;
  const auto take = [&](MonotonicTime at) { next = next ? std::min(*next, at) : at; };
  for (const Movement& movement : movements_) take(movement.due());
  for (const LateAnswer& late : late_) take(late.at);
  for (const Standing& fault : faults_standing_) {
    if (fault.ends != MonotonicTime::max()) take(fault.ends);
  }
  return next;
}

void EmulatedSwitch::advance(MonotonicTime now) {
  for (std::optional<MonotonicTime> at = next_event(); at && *at <= now; at = next_event()) {
    now_ = std::max(now_, *at);
    // All that is due at this moment, in the order: movements, answers, healed faults.
    const auto movement = std::ranges::find(movements_, *at, &Movement::due);
    if (movement != movements_.end()) {
      Movement due = std::move(*movement);
      movements_.erase(movement);
      due.ends ? finish(std::move(due), *at) : close(std::move(due), *at);
      continue;
    }
    const auto late = std::ranges::find(late_, *at, &LateAnswer::at);
    if (late != late_.end()) {
      const RequestAnswer ready = late->answer;
      late_.erase(late);
      answer(ready, {}, *at);
      continue;
    }
    const auto healed = std::ranges::find(faults_standing_, *at, &Standing::ends);
    const Standing fault = *healed;
    faults_standing_.erase(healed);
    end_fault(fault, *at);
  }
  now_ = std::max(now_, now);
}

PortState EmulatedSwitch::state(int position) const {
  if (stuck_[index(position)] == FaultKind::kStuck) return PortState::kFailed;
  if (moving_.inputs[index(position)] > 0 || moving_.outputs[index(position)] > 0) {
    return PortState::kMoving;
  }
  return light_.is_shut(position) ? PortState::kBlocked : PortState::kOpen;
}

PortReading EmulatedSwitch::reading(int position) const {
  const int output = light_.output_of(position);
  return {.port = position,
          .state = state(position),
          .input_dbm = light_.input_dbm(position),
          .output_dbm = light_.output_dbm(standing_.path_to(output), output)};
}

void EmulatedSwitch::set_shutter(int position, bool shut, MonotonicTime now) {
  if (light_.is_shut(position) == shut) return;
  light_.set_shut(position, shut);
  ++revision_;
  report(AlarmLevel::kEvent, shut ? "port-disabled" : "port-enabled", position,
         fmt::format("Port {} {}", position, shut ? "disabled" : "enabled"));
  refresh(light_.input_of(position), now);
  const int from = standing_.path_to(light_.output_of(position));
  if (from != 0) refresh(from, now);
}

}  // namespace mixnet
