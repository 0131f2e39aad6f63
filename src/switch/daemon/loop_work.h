// What RegionLoop's thread does: an event is decided upon, stored, carried out and told of; what
// the switch answers becomes an event when the NICs are up. No queue and no thread in here but the
// device worker's; all functions are for the loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/device_worker.h"
#include "daemon/happening_hub.h"
#include "daemon/nic_activation.h"
#include "daemon/region_engine.h"
#include "daemon/region_loop.h"

namespace mixnet {

/// An event on its way in.
struct HeardEvent {
  Event event;
  MonotonicTime received;
  std::string who, what;  ///< of the audit trail
  RegionLoop::Done done;
};

class LoopWork {
 public:
  /// Opens the state. Throws Error.
  LoopWork(const DaemonSettings& settings, RegionStore& store, HappeningHub& hub, Env& env);

  std::int64_t run_id() const { return run_id_; }
  const RegionState& state() const { return engine_.state(); }

  /// Hands work on. Null: nothing leaves any more.
  void set_worker(DeviceWorker* worker) { worker_ = worker; }
  /// What the file says and the state does not know yet.
  void start();
  void hear(HeardEvent&& heard);
  /// Of the device worker; with its NICs to wait for, it is kept until run_timers().
  void take(DeviceResult&& result);
  void spoke(std::vector<SwitchEvent>&& events);
  void reached(const std::string& why);
  void audit(std::string who, std::string what, bool refused);
  void report_activation(int port, Duration took) { activation_.report(port, took); }
  std::vector<AuditEntry> audit_trail(int most) { return store_.audit_trail(most); }

  /// Does what is due, and says when it is to be called next.
  MonotonicTime run_timers();
  /// Answers that wait for NICs are to come.
  bool is_waiting() const { return !waiting_.empty(); }
  void finish();

  void milestone(Milestone milestone, std::string text = {});
  /// The switch, since the start and since it was out of reach the last time.
  bool was_read() const { return was_read_ && !is_stale_; }

  /// Thread-safe.
  std::vector<std::pair<Instant, Alarm>> alarms(int most) const;

 private:
  Instant now() const;
  void heard(Event&& event, MonotonicTime received, std::vector<AuditEntry> audit,
             const DeviceDone* done, RegionLoop::Done* call);
  void hand_out(const std::vector<Decision>& decisions, RegionLoop::Outcome& outcome);
  void keep(const Alarm& alarm, Instant now);
  void deliver(DeviceResult&& result, MonotonicTime linked);
  void read_again();
  MonotonicTime linked_at(const DeviceResult& result);
  void hold(bool held, const std::string& who);
  void watch_maintenance();
  void join_pins();
  void join_missing_nics();
  void join(std::string_view name, const std::vector<std::string>& now,
            const std::function<void(const std::string& item, bool is_new)>& differs);
  std::string said(std::string text) const;

  const DaemonSettings& settings_;
  RegionStore& store_;
  HappeningHub& hub_;
  Env& env_;
  std::int64_t run_id_ = 0;
  RegionEngine engine_;
  NicActivation activation_;
  DeviceWorker* worker_ = nullptr;
  MonotonicTime last_event_;
  bool was_read_ = false;
  bool is_stale_ = false;           ///< it was out of reach, and may have lost its circuits
  std::vector<DeviceWork> unread_;  ///< reads that failed before their dead-line

  std::multimap<MonotonicTime, DeviceResult> waiting_;  ///< for NICs
  std::vector<MonotonicTime> up_at_;     ///< by port: its NIC has a link, at the latest
  std::vector<OpticalCircuit> clutter_;  ///< of the last reading (device_view.h)
  std::vector<int> taken_;

  bool window_held_ = false;
  bool operator_held_ = false;

  mutable std::mutex alarms_mutex_;
  std::deque<std::pair<Instant, Alarm>> alarms_;
};

}  // namespace mixnet
