#include "stage_clock.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace mixnet {

void StageClock::add(Stage stage, MonotonicTime::duration took) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
  times_.push_back({stage, Duration::nanoseconds(std::max<std::int64_t>(ns, 0))});
}

void StageClock::hear_event(const EventHandled& event) {
  const StageTimes& at = event.times;
  add(Stage::kStore, at.stored - at.decided);
  bool commands = false;
  for (const Decision& decision : event.decisions) {
    if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
      commands = true;
      underway_[command->tenant] = {command->id, at.received, at.handed, {}, false};
    } else if (const auto* said = std::get_if<TopologyAnnouncement>(&decision)) {
      const auto found = underway_.find(said->tenant);
      if (found == underway_.end() || !found->second.is_done) continue;
      add(Stage::kAnnounce, at.handed - found->second.linked);
      add(Stage::kTotal, at.handed - found->second.received);
      underway_.erase(found);
    } else if (const auto* gone = std::get_if<TenantGone>(&decision)) {
      underway_.erase(gone->tenant);
    }
  }
  if (!commands) return;
  add(Stage::kDecide, at.decided - at.received);
  add(Stage::kHand, at.handed - at.stored);
}

void StageClock::hear_done(const DeviceDone& done) {
  if (done.is_read) return;
  const auto found = underway_.find(done.tenant);
  if (found == underway_.end() || found->second.id != done.id) return;
  Underway& mine = found->second;
  if (!done.error.empty()) {
    underway_.erase(found);
    return;
  }
  add(Stage::kSend, done.sent - mine.handed);
  const auto turn = std::chrono::nanoseconds(done.report.turn_around.ns);
  if (done.report.turn_around > Duration::zero()) add(Stage::kSwitch, turn);
  add(Stage::kVerify, done.linked - done.sent - turn);
  mine.linked = done.linked;
  mine.is_done = true;
}

const std::vector<StageTime>& StageClock::hear(const Happening& happening) {
  times_.clear();
  if (const auto* event = std::get_if<EventHandled>(&happening)) hear_event(*event);
  if (const auto* done = std::get_if<DeviceDone>(&happening)) hear_done(*done);
  return times_;
}

void RecentTimes::add(const StageTime& time) {
  Ring& ring = rings_[static_cast<std::size_t>(time.stage)];
  if (ring.times.size() < kMost) {
    ring.times.push_back(time.took);
  } else {
    ring.times[ring.count % kMost] = time.took;
  }
  ++ring.count;
}

RecentTimes::Summary RecentTimes::summary(Stage stage) const {
  const Ring& ring = rings_[static_cast<std::size_t>(stage)];
  if (ring.times.empty()) return {};
  std::vector<Duration> times = ring.times;
  std::ranges::sort(times);
  // The smallest that so many per cent do not exceed.
  const auto at = [&times](std::size_t percent) {
    return times[std::max<std::size_t>((times.size() * percent + 99) / 100, 1) - 1];
  };
  return {.count = ring.count, .p50 = at(50), .p99 = at(99), .most = times.back()};
}

std::vector<std::uint64_t> RecentTimes::histogram(Stage stage,
                                                  const std::vector<Duration>& bounds) const {
  std::vector<std::uint64_t> counts(bounds.size() + 1);
  for (const Duration took : rings_[static_cast<std::size_t>(stage)].times) {
    ++counts[static_cast<std::size_t>(std::ranges::lower_bound(bounds, took) - bounds.begin())];
  }
  return counts;
}

}  // namespace mixnet
