// The region's controller at work: region/ on a real clock, with a store and a switch.
//
// One thread, the loop's, owns the controller (region_engine.h): it takes events from a queue, lets
// the controller decide, stores the event, hands commands and reads to the device thread, and tells
// the listeners. Nothing else decides. The device thread owns the OpticalSwitch and carries
// commands and reads out in order; an answer, when the NICs are up too, is an event again.
//
// START: the store's state and the events since are replayed, resume() lets the time pass, commands
// that were out time out, the switch is read, and what differs is put right, within our slice and
// without asking for what is there. Tenants and their circuits go on. The first start takes the
// pins of the file; later, file and store are joined: pins that the file has gained or lost. STOP:
// no new command; what is out is waited for, at most until its dead-line; then a snapshot. Circuits
// stay lit. A store that fails (disk full) stops the loop: what cannot be stored may not leave.
//
// MAINTENANCE. A window's begin and end are SwitchHold events of ours. An operator's hold outlasts
// a window that ends, and an operator who ends a hold amid a window has the last word until the
// next one begins.
//
// LATENCY. From an event to its commands in the device thread's hands: the controller's own time,
// the store's append, and 0.1 ms. Listeners are told, and snapshots put, after that.
//
//   region_loop.cc   the queue, threads, start and stop    loop_work.{h,cc}  what is done with an
//                                                          event, and with what the switch answers
//
// Thread-safe but for run(). Cost of an event without commands: about 0.1 ms with 64 servers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "ocs/optical_switch.h"
#include "store/region_store.h"

namespace mixnet {

class RegionLoop {
 public:
  /// What became of a posted event.
  struct Outcome {
    /// False: the daemon stops, too many events wait, or it is one that no record can hold
    /// (can_be_recorded()).
    bool taken = false;
    std::uint64_t record = 0;
    std::vector<Alarm> alarms;  ///< that the controller raised upon it
  };
  using Done = std::function<void(const Outcome&)>;
  /// Told as long as it is held.
  using Subscription = std::shared_ptr<const void>;
  static constexpr std::size_t kMostWaiting = 1'024;

  /// `device`: in observe mode one that never writes (observed_switch.h). All outlive the loop.
  RegionLoop(const DaemonSettings& settings, RegionStore& store, OpticalSwitch& device,
             Env& env = system_env());
  RegionLoop(const RegionLoop&) = delete;
  RegionLoop& operator=(const RegionLoop&) = delete;
  ~RegionLoop();

  /// Works until stop(). Throws Error where the store or its content fails.
  void run();
  /// May be called in a signal handler's thread, twice, or before run().
  void stop();

  /// `done` is called once, on the loop's thread, or, where the event is refused at once, on the
  /// caller's; it may be null. `who` and `what` go into the
  /// audit trail, in the event's own transaction, unless `what` is empty.
  void post(Event event, std::string who = {}, std::string what = {}, Done done = nullptr);
  /// Into the audit trail alone: a call that was refused. Left out where kMostWaiting wait.
  void audit(std::string who, std::string what, bool refused);
  /// How long a NIC took from light to link; the median of the last is what answers wait for, where
  /// the settings say `measured`. Nonsense (over a minute, negative, no such port) is refused:
  /// false.
  bool report_activation(int port, Duration took);

  /// Calls `look` on the loop's thread with the state, and returns when it has; false: the daemon
  /// stops. What `look` throws comes out here.
  bool inspect(const std::function<void(const RegionState& state)>& look);
  /// Oldest first; none when the daemon stops. Throws Error where the trail cannot be read, which
  /// does not stop the daemon.
  std::vector<AuditEntry> audit_trail(int most);
  /// The latest alarms, oldest first, up to 1,000.
  std::vector<std::pair<Instant, Alarm>> alarms(int most) const;

  [[nodiscard]] Subscription listen(HappeningListener listener);

  const DaemonSettings& settings() const;
  /// The switch was read since the start, and answers.
  bool is_ready() const;
  /// The loop's thread still turns: it has looked at its queue within the last second or two.
  bool is_healthy() const;
  /// Unix time in ns when this run began: no two runs of a store have the same.
  std::int64_t run_id() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
