// The regional controller's whole state, as a value. region_messages.h says what a region is, what
// the controller hears and what it says.
//
// Every slice (the servers of a tenant) is a state machine of its own, so tenants do not wait for
// each other. The pool (tenant 0: servers without a tenant), whose ports are kept dark but for
// pins, is one as well; it also reads the whole device from time to time.
//
// STEPS of a slice (docs/controller.md draws them)
//   kSettled    nothing is under way; the ports are lit as wanted, as far as they can be
//   kDraining   an announcement without the circuits that go is out; senders have time to stop
//   kSwitching  a DeviceCommand is out, until its answer or its deadline
//   kReading    a ReadState is out, until its answer or its deadline; then a new one goes out
//
// TIME. Deadlines are moments of a stopwatch, `elapsed`, that only runs forward; `now` is the
// caller's clock (Unix time) as last seen, which may be set. region_clock.h says how the one
// follows the other.
//
// INVARIANTS of a state (check_state() throws when one is broken), and of decisions (*)
//   1. slices are sorted by tenant, the pool first; every server is in exactly one.
//   2. Inside a slice lit[] is symmetric, forbidden ports aside: they count as dark, and what is
//      joined to one is not ours to take down. A target and a command name a port once per list,
//      join ports of one slice only, and never name a forbidden one.
//   3. * A command connects only usable ports that were dark or are disconnected by it, of one
//      slice; it moves no working circuit while that tenant's phase runs, unless a live server
//      could not be reached otherwise, the policy moves it beneath that very phase, or an operator
//      wants it gone (ServerDrain, CircuitPin). It connects no more than the cap has tokens for.
//   4. * Announced circuits are lit as last read, on usable ports of that slice, and not on ports
//      that a command may be moving: the announcement without them comes before the command.
//   5. One command or read at most is out per slice. commands = answered + timed out + out.
//   6. * Once settled, each live server reaches each other by circuit, by EPS, or by relay, if any
//      wiring of the usable ports joins all of them.
//   7. A tenant that leaves keeps its servers until the device was read with all its ports dark,
//      but for pins and for what forbidden ports are joined to.
//   8. Ids and epochs only grow. The same state and events give the same decisions.
//   9. Pins are sorted, of two servers each, no port is in two, none is forbidden. A pin that is
//   lit
//      and whose servers are of one slice, work and are not drained is never moved.
//  10. Nothing is commanded while held; a command that was out then may still be.
// When a driver breaks its promise of order (region_messages.h), 1 to 5 hold still, and the next
// audit finds and repairs what came of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "circuits/allocator.h"
#include "policy/switch_policy.h"
#include "region/region_messages.h"

namespace mixnet {

struct RegionConfig {
  static constexpr int kMaxServers = 4096;
  static constexpr int kMaxNics = 64;
  static constexpr Duration kLongestSpan = Duration::seconds(100'000);
  static constexpr int kMaxDoublings = 6;  ///< of a time-out or a hold

  int servers = 0;
  int optical_nics = 6;
  int eps_nics = 2;
  /// Ports that are never used nor named, whatever is lit there: a NIC that does not exist, a port
  /// of the switch that is not ours. Sorted.
  std::vector<int> forbidden;
  static constexpr int kMostMovesPerMinute = 1'000'000;
  /// Cap on circuits connected, done or tried: a bucket of tokens that fills within a minute. 0: as
  /// many as are wanted.
  int moves_per_minute = 0;
  std::vector<int> numa_of_nic;  ///< of each optical NIC; empty: all on one node
  Bandwidth nic_rate = Bandwidth::gbps(400);
  AllocatorKind allocator = AllocatorKind::kGreedy;        ///< not kExact, whose time has no bound
  std::int64_t budget = RefinedAllocator::kDefaultBudget;  ///< of the refined allocator
  double tolerance = 0;  ///< of time, for moving fewer ports (circuit_planner.h)
  Reconfiguration policy = Reconfiguration::kBlock;
  Duration switch_delay = Duration::milliseconds(25);  ///< from command to light, as expected
  int attempts = 3;  ///< for one move, or unanswered reads, before it is given up
  // All up to kLongestSpan.
  Duration drain = Duration::zero();  ///< from the announcement to the command
  Duration command_timeout = Duration::milliseconds(500);
  Duration read_timeout =
      Duration::milliseconds(500);  ///< doubles with every failure, up to 64-fold
  Duration phase_limit = Duration::seconds(30);
  Duration audit_period = Duration::seconds(10);
  Duration suspect_hold = Duration::seconds(30);  ///< doubles with every strike, up to 64-fold

  int ports() const { return servers * optical_nics; }
  int server_of(int port) const { return port / optical_nics; }
  bool forbids(int port) const {
    return !forbidden.empty() && std::ranges::binary_search(forbidden, port);
  }
  /// How long the bucket takes for a token; with a cap.
  Duration token_time() const {
    return Duration{(kMinute.ns + moves_per_minute - 1) / moves_per_minute};
  }
  static constexpr Duration kMinute = Duration::seconds(60);
  bool operator==(const RegionConfig&) const = default;
};

struct Health {
  bool failed = false;
  std::uint64_t stamp = 0;
  bool operator==(const Health&) const = default;
};

struct Suspicion {
  Duration until;   ///< a moment of RegionState::elapsed; zero: none
  int strikes = 0;  ///< in a row
  bool operator==(const Suspicion&) const = default;
};

enum class Step { kSettled, kDraining, kSwitching, kReading };

struct Slice {
  int tenant = 0;
  std::vector<int> servers;
  bool leaving = false;

  Step step = Step::kSettled;
  Duration deadline;                 ///< of the step, unless settled; of RegionState::elapsed
  std::uint64_t awaited = 0;         ///< id of the command or read that is out
  std::uint64_t last_id = 0;         ///< the latest id used
  std::uint64_t overdue = 0;         ///< the latest command that timed out
  std::vector<PortPair> disconnect;  ///< being carried out: from kDraining until read back
  std::vector<PortPair> connect;
  int moves = 0;  ///< of these lists: a connection with what it needs, or a disconnection
  bool denied = false;
  int attempts = 0;       ///< without progress, in a row
  int batch_limit = 0;    ///< moves in the next command; 0: all
  int waiting = 0;        ///< connections that wait for tokens of the cap
  Duration clear_at;      ///< when senders have left what an operator wants gone; of elapsed
  int read_failures = 0;  ///< in a row; counted as far as anything depends on it

  std::vector<PortPair> target;  ///< sorted
  bool replan = true;            ///< the target is out of date
  bool held = false;             ///< it was planned around circuits that had to stay
  PhaseId phase;                 ///< of the demand
  ServerDemand demand;
  PhaseOutlook outlook;
  Rewire rewire = Rewire::kNow;  ///< what the policy makes of that demand
  PhaseId next_phase;            ///< waits for the end of the phase that runs; sequence 0: none
  ServerDemand next_demand;
  PhaseOutlook next_outlook;
  PhaseId served;
  std::uint64_t running = 0;  ///< the phase whose traffic runs; 0: none
  std::uint64_t ended = 0;    ///< the latest phase that has ended
  Duration running_until;     ///< of RegionState::elapsed
  TopologyAnnouncement announced;

  /// Whether circuits that work are not to be moved now.
  bool stays() const {
    return rewire == Rewire::kNot || rewire == Rewire::kBehindDispatch ||
           (running != 0 && rewire != Rewire::kDuring);
  }
  /// That the moves may touch; sorted, each once or, in both lists, twice.
  std::vector<int> moving_ports() const;
  void forget_moves();
  bool operator==(const Slice&) const = default;
};

struct Counters {
  std::uint64_t commands = 0, answered = 0, timed_out = 0;
  std::uint64_t reads = 0, reads_answered = 0, reads_timed_out = 0;
  std::uint64_t dropped = 0;  ///< events: late, double, unknown
  std::uint64_t contradictions = 0;
  bool operator==(const Counters&) const = default;
};

struct RegionState {
  RegionConfig config;
  std::optional<Instant> now;  ///< when the last event was handed in; none yet
  Duration elapsed;            ///< on the controller's stopwatch, by which all deadlines are
  Duration next_audit;
  std::uint64_t last_id = 0;
  bool device_silent = false;
  std::vector<int> lit;  ///< by port: the port it is joined to, -1: dark; as last read
  std::vector<Health> port_health, optical_health, eps_health, server_health;
  std::vector<Suspicion> suspicion;  ///< by port
  std::vector<int> owner;            ///< by server: tenant, 0: pool
  std::vector<char> drained;         ///< by server
  std::vector<PortPair> pins;        ///< sorted
  bool held = false;                 ///< nothing may be commanded (SwitchHold)
  Duration bucket_full;              ///< when the bucket of the cap is full (again); of elapsed
  std::vector<Slice> slices;
  Counters counters;

  /// All dark, all well, no tenants. Throws Error when the configuration makes no sense.
  static RegionState fresh(const RegionConfig& config);

  bool live(int server) const { return !server_health[server].failed; }
  int eps_nics_up(int server) const;
  bool has_eps(int server) const { return eps_nics_up(server) > 0; }
  bool suspect(int port) const { return suspicion[port].until > Duration::zero(); }
  bool drains(int port) const { return drained[config.server_of(port)] != 0; }
  /// A circuit may be put on it, as far as anybody knows.
  bool usable(int port) const {
    return !port_health[port].failed && !optical_health[port].failed && !suspect(port) &&
           live(config.server_of(port)) && !drains(port) && !config.forbids(port);
  }
  int owner_of(int port) const { return owner[config.server_of(port)]; }
  bool is_pin(int a, int b) const;
  /// The port that a pin joins it to; -1: it is in none. O(pins).
  int pinned_to(int port) const;
  /// A pin whose servers are of two slices, none drained: it stays as it is, lit or dark.
  bool is_inert(int a, int b) const {
    return owner_of(a) != owner_of(b) && !drains(a) && !drains(b) && is_pin(a, b);
  }
  /// Its light is not ours to take down: that of a forbidden port, or of a pin that is inert.
  bool lit_by_others(int port) const {
    const int peer = lit[port];
    return peer >= 0 && (config.forbids(peer) || is_inert(port, peer));
  }
  /// Circuits that may be connected now: tokens of the cap.
  int tokens() const;
  /// When there is a token, at the latest; of elapsed.
  Duration token_at() const;
  Slice* find(int tenant);
  const Slice* find(int tenant) const;
  bool operator==(const RegionState&) const = default;
};

/// For who goes on after a restart: what was under way is given up, and each slice reads the
/// switch, at the next event, before it plans or commands anything. Nobody knows what the last
/// command came to, or what was done by hand meanwhile.
void read_again(RegionState& state);

/// The state under another configuration of the same servers and NICs: tenants, pins, drains,
/// health and demands are kept, what was under way is read again, everything is planned again. Pins
/// that `config` forbids are dropped. Throws Error where the servers or NICs are others, or the
/// configuration makes no sense.
RegionState reconfigured(RegionState state, const RegionConfig& config);

/// Throws Error when a number of it is out of range.
void check_config(const RegionConfig& config);

/// Throws Error (input, what is wrong) unless the state keeps its invariants and every index and
/// number in it is in range. Cost: linear in its size.
void check_state(const RegionState& state, std::string_view input);

}  // namespace mixnet
