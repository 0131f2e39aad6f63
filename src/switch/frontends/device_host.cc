#include "frontends/device_host.h"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

namespace mixnet {
namespace {

/// Those that are still held. Held while they are called, so that a callback may let go of any.
template <typename Function>
std::vector<std::shared_ptr<const Function>> held(
    std::vector<std::weak_ptr<const Function>>& seers) {
  std::erase_if(seers, [](const auto& seer) { return seer.expired(); });
  std::vector<std::shared_ptr<const Function>> all;
  for (const auto& seer : seers) all.push_back(seer.lock());
  return all;
}

}  // namespace

DeviceHost::DeviceHost(asio::io_context& io, EmulatedSwitchConfig config,
                       EmulatedSwitch::LightChanged light_changed, Env& env)
    : io_(io),
      env_(env),
      device_(std::move(config), std::move(light_changed)),
      timer_(io),
      revision_told_(device_.revision()) {}

EmulatedSwitch& DeviceHost::device() {
  device_.advance(now());
  return device_;
}

void DeviceHost::step() {
  if (std::exchange(is_posted_, true)) return;
  asio::post(io_, [this] {
    is_posted_ = false;
    run_step();
  });
}

RequestId DeviceHost::request(const PathRequest& request, Answered answered) {
  const MonotonicTime at = now();
  device_.advance(at);
  const RequestId id = device_.request(request, at);
  waiting_.emplace(id, std::move(answered));
  step();
  return id;
}

void DeviceHost::read(std::function<void(const ReadVerdict&)> then) {
  const ReadVerdict verdict = device().on_read(now());
  step();
  if (verdict.delay <= Duration::zero()) {
    then(verdict);
    return;
  }
  auto timer =
      std::make_shared<asio::steady_timer>(io_, std::chrono::nanoseconds(verdict.delay.ns));
  timer->async_wait([timer, verdict, then = std::move(then)](const std::error_code& error) {
    if (!error) then(verdict);
  });
}

DeviceHost::Subscription DeviceHost::on_event(EventSeen seen) {
  auto held_by_caller = std::make_shared<const EventSeen>(std::move(seen));
  event_seers_.push_back(held_by_caller);
  return held_by_caller;
}

DeviceHost::Subscription DeviceHost::on_change(Changed changed) {
  auto held_by_caller = std::make_shared<const Changed>(std::move(changed));
  change_seers_.push_back(held_by_caller);
  return held_by_caller;
}

DeviceHost::Subscription DeviceHost::on_drop(Changed dropped) {
  auto held_by_caller = std::make_shared<const Changed>(std::move(dropped));
  drop_seers_.push_back(held_by_caller);
  return held_by_caller;
}

void DeviceHost::run_step() {
  device_.advance(now());
  // Taken before anybody is told of changes: who looks moves the device on, and what comes of that
  // is answered in a step of its own, after it is saved.
  const std::vector<RequestAnswer> answers = device_.take_answers();
  if (const std::uint64_t revision = device_.revision(); revision != revision_told_) {
    revision_told_ = revision;
    for (const auto& seer : held(change_seers_)) (*seer)();
  }
  for (const RequestAnswer& answer : answers) {
    const auto found = waiting_.extract(answer.id);
    if (found && found.mapped()) found.mapped()(answer);
  }
  const std::vector<SwitchEvent> events = device_.take_events();
  for (const auto& seer : held(event_seers_)) {
    for (const SwitchEvent& event : events) (*seer)(event);
  }
  if (const std::uint64_t drops = device_.drops(); drops != drops_told_) {
    drops_told_ = drops;
    for (const auto& seer : held(drop_seers_)) (*seer)();
  }
  if (device_.has_news() || device_.revision() != revision_told_ ||
      device_.drops() != drops_told_) {
    step();
  }
  arm();
}

void DeviceHost::arm() {
  const std::optional<MonotonicTime> next = device_.next_event();
  if (!next) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*next);
  timer_.async_wait([this](const std::error_code& error) {
    if (!error) run_step();
  });
}

}  // namespace mixnet
