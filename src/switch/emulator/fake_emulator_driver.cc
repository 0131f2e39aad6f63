#include "emulator/fake_emulator_driver.h"

#include <algorithm>
#include <chrono>

#include "ocs/device_ports.h"

namespace mixnet {

FakeEmulatorDriver::FakeEmulatorDriver(EmulatorAccess& access, PortSlice slice, Env& env)
    : PatchSwitch({}, std::move(slice), env), access_(access) {}

void FakeEmulatorDriver::fail(SwitchFault fault, std::string_view what) {
  connected_ = connected_ && fault == SwitchFault::kDenied;
  throw SwitchError(fault, "emulator", what);
}

void FakeEmulatorDriver::pass_dead_line(MonotonicTime dead_line) {
  env().sleep_until(dead_line);
  fail(SwitchFault::kTimedOut, "it does not answer");
}

void FakeEmulatorDriver::connect(MonotonicTime dead_line) {
  const std::lock_guard lock(access_.mutex);
  const MonotonicTime now = env().monotonic_now();
  if (now >= dead_line) fail(SwitchFault::kTimedOut, "the dead-line has passed");
  access_.device.advance(now);
  if (access_.device.is_rebooting(now)) fail(SwitchFault::kUnreachable, "it reboots");
  if (connected_ && drops_ != access_.device.drops()) {
    connected_ = false;
    drops_ = access_.device.drops();
    throw SwitchError(SwitchFault::kDisconnected, "emulator", "the connection has broken");
  }
  drops_ = access_.device.drops();
  connected_ = true;
}

PortNumbering FakeEmulatorDriver::ask_numbering(MonotonicTime /*dead_line*/) {
  return {access_.device.config().sides, access_.device.config().ports};
}

SwitchCapabilities FakeEmulatorDriver::capabilities(MonotonicTime dead_line) {
  open(dead_line);
  SwitchCapabilities known = known_capabilities();
  known.identity = "emulator";
  known.power = true;
  return known;
}

void FakeEmulatorDriver::on_read(MonotonicTime dead_line) {
  ReadVerdict verdict;
  {
    const std::lock_guard lock(access_.mutex);
    access_.device.advance(env().monotonic_now());
    verdict = access_.device.on_read(env().monotonic_now());
  }
  if (verdict.drop) fail(SwitchFault::kDisconnected, "the connection has broken");
  if (verdict.deny) fail(SwitchFault::kDenied, "a read is denied");
  const MonotonicTime answer = env().monotonic_now() + std::chrono::nanoseconds(verdict.delay.ns);
  if (verdict.silent || answer >= dead_line) pass_dead_line(dead_line);
  env().sleep_until(answer);
}

std::vector<Patch> FakeEmulatorDriver::read(std::span<const int> /*positions*/,
                                            MonotonicTime dead_line) {
  on_read(dead_line);
  const std::lock_guard lock(access_.mutex);
  access_.device.advance(env().monotonic_now());
  const bool is_one = numbering().sides == Sides::kOne;
  std::vector<Patch> patches;
  for (const LightPath& path : access_.device.paths()) {
    if (is_one && path.from > path.to) continue;
    patches.push_back({path.from, is_one ? path.to : path.to + numbering().positions});
  }
  return patches;
}

RequestId FakeEmulatorDriver::request(const Patch& patch, bool add, MonotonicTime now) {
  const int from = patch.in;
  const int to = numbering().position(patch.out);
  std::vector<LightPath> paths = {{from, to}};
  if (numbering().sides == Sides::kOne) paths.push_back({to, from});
  ++access_.writes;
  access_.named.insert({from, to});
  PathRequest asked;
  (add ? asked.add : asked.remove) = std::move(paths);
  return access_.device.request(asked, now);
}

std::map<Patch, std::string> FakeEmulatorDriver::carry_out(const ChangePlan& plan,
                                                           MonotonicTime dead_line) {
  std::map<RequestId, Patch> asked;
  std::map<Patch, std::string> denied;
  std::unique_lock lock(access_.mutex);
  for (const auto* patches : {&plan.remove, &plan.add}) {
    for (const Patch& patch : *patches) {
      asked.emplace(request(patch, patches == &plan.add, env().monotonic_now()), patch);
    }
  }
  sent_ = env().monotonic_now();
  bool is_silent = false;
  while (true) {
    for (const RequestAnswer& answer : access_.device.take_answers()) {
      const auto found = asked.find(answer.id);
      if (found == asked.end()) continue;  // of a call that was given up
      if (answer.drop) fail(SwitchFault::kDisconnected, "the connection has broken");
      if (answer.silent) {
        is_silent = true;
      } else if (answer.refusal != Refusal::kNone) {
        denied.emplace(found->second, std::string(to_string(answer.refusal)));
      }
      if (!answer.silent) asked.erase(found);
    }
    if (drops_ != access_.device.drops()) {
      drops_ = access_.device.drops();
      fail(SwitchFault::kDisconnected, "the connection has broken");
    }
    if (asked.empty()) return denied;
    const auto next = access_.device.next_event();
    const MonotonicTime until = std::min(next.value_or(dead_line), dead_line);
    lock.unlock();
    env().sleep_until(until);
    lock.lock();
    access_.device.advance(env().monotonic_now());
    if (until >= dead_line) {
      fail(SwitchFault::kTimedOut, is_silent ? "it does not answer" : "it is not done");
    }
  }
}

std::vector<PortReading> FakeEmulatorDriver::ports(std::span<const int> ports,
                                                   MonotonicTime dead_line) {
  open(dead_line);
  on_read(dead_line);
  const std::lock_guard lock(access_.mutex);
  std::vector<PortReading> readings;
  for (const int port : positions_asked(ports, slice(), numbering(), device())) {
    readings.push_back(access_.device.reading(port));
  }
  return readings;
}

std::vector<SwitchEvent> FakeEmulatorDriver::events(MonotonicTime dead_line) {
  open(dead_line);
  while (true) {
    std::optional<MonotonicTime> next;
    {
      const std::lock_guard lock(access_.mutex);
      access_.device.advance(env().monotonic_now());
      std::vector<SwitchEvent> events = access_.device.take_events();
      if (!events.empty() || env().monotonic_now() >= dead_line) return events;
      next = access_.device.next_event();
    }
    env().sleep_until(std::min(next.value_or(dead_line), dead_line));
  }
}

}  // namespace mixnet
