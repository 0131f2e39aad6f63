// The controller of one region: a state machine that takes events and a time and gives decisions.
//
// It does nothing else: no clock, no thread, no socket, no file. A simulator, an emulated testbed
// and a daemon with a real switch all drive this same code. region_messages.h says what the events
// and decisions are and what late or missing events mean, region_state.h which states there are and
// what always holds, region_clock.h how time passes; docs/controller.md draws it.
//
// How a change is made, in one slice: plan the target (region_plan.h); announce the circuits that
// stay; after `drain`, command the device; when it has answered or timed out, read it back;
// announce what is lit. What did not happen is tried again. A move that makes no progress in
// `attempts` tries is narrowed down by halving the batch, until one move is left; its ports are
// then suspect: not used, not touched, for a hold that grows with every strike and differs from
// port to port, so that a good port that shared its fault is soon tried with another.
//
//   region_controller.cc  one event after another, deadlines, slices that settle and leave
//   region_events.cc      what jobs, health reports and tenants change
//   region_operators.cc   what operators change: drains, pins, holds
//   region_device.cc      commands and reads, and what came of them
//
// Deterministic. Not thread-safe. Copying it copies everything, so a copy goes on alike. Cost: an
// event that changes nothing is O(ports) (0.2 us for 8 servers); a plan costs what its allocator
// costs (`control_bench`).
#pragma once

#include <optional>
#include <vector>

#include "region/region_plan.h"
#include "region/region_state.h"

namespace mixnet {

class RegionController {
 public:
  /// Throws Error when the configuration makes no sense.
  explicit RegionController(const RegionConfig& config);
  /// Goes on from a snapshot. Throws Error when the state breaks an invariant.
  explicit RegionController(RegionState state);

  /// What to do, in this order. Valid until the next call. Never throws on an event's content: what
  /// makes no sense is dropped with an alarm.
  const std::vector<Decision>& handle(Instant now, const Event& event);

  /// How long after the last event a Tick is due, at the latest; at once before the first event.
  /// To be slept by a clock that nobody sets (region_clock.h).
  Duration due_in() const;
  /// When that is by the clock of the last event, if nobody sets it.
  Instant next_deadline() const;

  const RegionState& state() const { return state_; }

 private:
  void on(const DemandReport& report);
  void on(const PhaseMark& mark);
  void on(const HealthReport& report);
  void on(const DeviceAnswer& answer);
  void on(const DeviceState& read);
  void on(const TenantAdd& add);
  void on(const TenantRemove& remove);
  void on(const Tick& /*tick*/) {}
  void on(const ServerDrain& drain);
  void on(const CircuitPin& pin);
  void on(const SwitchHold& hold);

  void run_timers();
  void on_deadline(Slice& slice);
  void advance_waiting();
  void advance(Slice& slice);
  void settle(Slice& slice);
  void stand_by(Slice& slice);
  bool choose_moves(Slice& slice) const;
  bool take_back(const Slice& slice);
  void send_command(Slice& slice);
  void send_read(Slice& slice);
  void take_reading(Slice& slice, const std::vector<int>& table);
  void judge_moves(Slice& slice);
  void blame(Slice& slice);
  void make_suspect(int port, int tenant);
  void end_phase(Slice& slice, std::uint64_t sequence);
  void facts_changed(int server);
  std::optional<int> against(const PortPair& pin) const;
  bool is_free(int port, const std::vector<int>& joining, const std::vector<int>& moving) const;
  bool announce(Slice& slice);
  std::vector<PortPair> ports_of(const TopologyAnnouncement& said) const;
  bool read_table(const std::vector<PortPair>& pairs, std::vector<int>& table) const;
  void take_answer(Slice& slice, const DeviceAnswer& answer);
  bool tells_of_moves(const Slice& slice, const DeviceAnswer& answer) const;
  void alarm(Severity severity, AlarmCode code, int tenant, std::int64_t subject);
  void bad_event(int tenant);
  void drop() { ++state_.counters.dropped; }
  Duration after(Duration span) const { return state_.elapsed + span; }

  RegionState state_;
  RegionPlanner planner_;
  std::vector<Decision> decisions_;
  std::vector<int> table_;
  std::size_t event_index_ = 0;
};

}  // namespace mixnet
