// The one owner of an emulated switch while servers speak for it: its clock, and who is told what.
//
// Everything here is called on the one thread that runs the io_context; a server that has threads
// of its own (gRPC) posts to it. The EmulatedSwitch itself knows no time: the host moves it on by a
// timer (the kernel's timerfd: answers leave within about 100 us of the modelled moment) and hands
// out what comes of it, in this order, so that what is answered has been saved:
//
//   changes   something that can be read has changed (revision()): all who asked by on_change() are
//             called once after each step, and read what they need
//   answers   to the callback that request() was given, never before request() has returned
//   events    alarms, to all who asked by on_event(), in order
//   drops     a fault closes all connections: all who asked by on_drop(), after the answers
//
// A callback may ask for more, also for another request, and may let go of subscriptions, its own
// as well. The host outlives the servers' last callback: stop the io_context first.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/env.h"
#include "emulator/emulated_switch.h"

namespace mixnet {

class DeviceHost {
 public:
  using Answered = std::function<void(const RequestAnswer&)>;
  using EventSeen = std::function<void(const SwitchEvent&)>;
  using Changed = std::function<void()>;
  /// Told as long as it is held.
  using Subscription = std::shared_ptr<const void>;

  DeviceHost(asio::io_context& io, EmulatedSwitchConfig config,
             EmulatedSwitch::LightChanged light_changed = nullptr, Env& env = system_env());

  asio::io_context& io() { return io_; }
  MonotonicTime now() { return env_.monotonic_now(); }
  /// Any thread may ask.
  const EmulatedSwitchConfig& config() const { return device_.config(); }
  /// Moved on to now. Who alters it (a shutter, a fault) calls step() afterwards.
  EmulatedSwitch& device();
  /// Carries out what is due and tells of it, from the loop and not at once.
  void step();

  RequestId request(const PathRequest& request, Answered answered);
  /// Before a front end answers a question: `then` is told what a fault makes of it, at once, or
  /// after the verdict's delay. It is for the caller to do as the verdict says.
  void read(std::function<void(const ReadVerdict&)> then);
  bool is_rebooting() { return device().is_rebooting(now()); }
  [[nodiscard]] Subscription on_event(EventSeen seen);
  [[nodiscard]] Subscription on_change(Changed changed);
  [[nodiscard]] Subscription on_drop(Changed dropped);

 private:
  void run_step();
  void arm();

  asio::io_context& io_;
  Env& env_;
  EmulatedSwitch device_;
  asio::steady_timer timer_;
  bool is_posted_ = false;
  std::uint64_t revision_told_ = 0;
  std::uint64_t drops_told_ = 0;
  std::unordered_map<RequestId, Answered> waiting_;
  std::vector<std::weak_ptr<const EventSeen>> event_seers_;
  std::vector<std::weak_ptr<const Changed>> change_seers_;
  std::vector<std::weak_ptr<const Changed>> drop_seers_;
};

}  // namespace mixnet
