// The regional controller's vocabulary: events in, decisions out, and its whole state as a value.
//
// A region is `servers` servers with `optical_nics` NICs each on one optical switch (OCS). OCS port
// s * optical_nics + k belongs to NIC k of server s; a driver translates to the device's numbers.
// Servers are sliced among tenants (jobs); a server without a tenant belongs to the pool, tenant 0,
// whose ports are kept dark. Every slice is a state machine of its own, so tenants do not wait for
// each other; the pool's also reads the whole device from time to time.
//
// STEPS of a slice (docs/controller.md draws them)
//   kSettled    nothing is under way; the ports are lit as wanted, as far as they can be
//   kDraining   an announcement without the circuits that go is out; senders have time to stop
//   kSwitching  a DeviceCommand is out, until its answer or its deadline
//   kReading    a ReadState is out, until its answer or its deadline; then a new one goes out
//
// EVENTS carry the time at which they are handed in; a time that runs backwards counts as the
// latest before it. What each means when it is late, doubled, out of order, contradictory or
// missing:
//   DemandReport  phase.sequence orders a tenant's phases. Not newer than the latest: dropped; the
//                 same sequence with other bytes: the first counts, alarm. Missing: the last demand
//                 goes on. During a running phase it waits for the phase's end.
//   PhaseMark     begin and end of traffic, by the same sequence. While a phase runs, no circuit
//                 moves that works. A begin ends every earlier phase; an end without a begin counts
//                 as both; marks of ended phases are dropped; an end that does not come in time is
//                 taken as come, alarm.
//   HealthReport  of a port, NIC or server. `stamp` is the source's counter: not newer than the
//   last
//                 about that part: dropped; 0: no counter, the last to arrive counts. Missing: a
//                 port that does not obey becomes suspect and is left alone for a while.
//   DeviceAnswer  to the command that is out. Of one that timed out: the device is read soon. Any
//                 other: dropped. Missing: time-out, then the device is read.
//   DeviceState   to a read that is out. The device is right about what is lit, we about what
//                 should be. Other numbers, or a port in two circuits: dropped. Missing: read
//                 again.
//   TenantAdd     the same again: dropped. A tenant that exists with other servers, servers that
//                 are not the pool's, or whose ports are not dark yet: refused, alarm.
//   TenantRemove  of an unknown or leaving tenant: dropped.
//   Tick          only the time; due at next_deadline(). Missing: everything waits, nothing breaks.
//
// INVARIANTS of a state (check_state() throws when one is broken), and of decisions (*)
//   1. slices are sorted by tenant, the pool first; every server is in exactly one.
//   2. Inside a slice lit[] is symmetric; a target and a command name a port once per list, and
//      join ports of one slice only.
//   3. * A command connects only usable ports that were dark or are disconnected by it, of one
//      slice; it moves no working circuit while that tenant's phase runs, unless a live server
//      could not be reached otherwise.
//   4. * Announced circuits are lit as last read, on usable ports of that slice, and not on ports
//      that a command may be moving: the announcement without them comes before the command.
//   5. One command or read at most is out per slice. commands = answered + timed out + out.
//   6. * Once settled, each live server reaches each other by circuit, by EPS, or by relay, if any
//      wiring of the usable ports joins all of them.
//   7. A tenant that leaves keeps its servers until the device was read with all its ports dark.
//   8. Ids and epochs only grow. The same state and events give the same decisions.
// The driver's part: it carries commands and reads out in order, so that a command that has timed
// out does not act after a later read was answered. If one does, 1 to 5 hold still, and the next
// audit finds and repairs what it did.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.h"
#include "circuits/circuits.h"

namespace mixnet {

/// Two OCS ports, a < b: a cross-connect in both directions.
struct PortPair {
  int a = 0;
  int b = 0;
  auto operator<=>(const PortPair&) const = default;
};

/// One all-to-all phase of a job. `sequence` (from 1) counts them in the order in which they run;
/// the rest is for people.
struct PhaseId {
  std::uint64_t sequence = 0;  ///< 0: none
  std::int64_t iteration = 0;
  int layer = 0;
  bool backward = false;
  bool operator==(const PhaseId&) const = default;
};

struct DemandReport {
  int tenant = 0;
  PhaseId phase;
  ServerDemand bytes;  ///< between the tenant's servers, in the order of TenantAdd::servers
};
struct PhaseMark {
  int tenant = 0;
  std::uint64_t sequence = 0;
  bool begins = false;  ///< or ends
};
enum class Part { kOcsPort, kOpticalNic, kEpsNic, kServer };
struct HealthReport {
  Part part = Part::kServer;
  int index =
      0;  ///< kOcsPort, kOpticalNic: port; kEpsNic: server * eps_nics + nic; kServer: server
  bool failed = false;
  std::uint64_t stamp = 0;
};
struct DeviceAnswer {
  std::uint64_t id = 0;
  bool ok = false;
  int denied_port = -1;       ///< that the device gives as the reason; -1: it does not say
  bool has_lit = false;       ///< the answer tells what is lit now among the command's ports...
  std::vector<PortPair> lit;  ///< ...and this is it: no read is needed
};
struct DeviceState {
  std::uint64_t id = 0;  ///< of the ReadState
  std::vector<PortPair> lit;
};
struct TenantAdd {
  int tenant = 0;  ///< from 1
  std::vector<int> servers;
};
struct TenantRemove {
  int tenant = 0;
};
struct Tick {};

using Event = std::variant<DemandReport, PhaseMark, HealthReport, DeviceAnswer, DeviceState,
                           TenantAdd, TenantRemove, Tick>;

/// Disconnect these pairs where they are connected, then connect those.
struct DeviceCommand {
  std::uint64_t id = 0;
  int tenant = 0;
  std::vector<PortPair> disconnect;
  std::vector<PortPair> connect;
  Time deadline;
  bool operator==(const DeviceCommand&) const = default;
};
struct ReadState {
  std::uint64_t id = 0;
  Time deadline;
  bool operator==(const ReadState&) const = default;
};
/// A path for a pair of servers that has no circuit and no EPS of its own. Each hop goes by circuit
/// where its servers have one, else by EPS.
struct Relay {
  int from = 0;
  int to = 0;
  std::vector<int> via;
  bool operator==(const Relay&) const = default;
};
/// How the servers of a tenant reach each other: by the circuits of the pair, else by EPS, else as
/// `relays` says (one entry a pair, for both directions). Servers are the region's numbers.
struct TopologyAnnouncement {
  int tenant = 0;
  std::uint64_t epoch = 0;
  PhaseId served;       ///< the circuits are as wanted for this phase
  bool closed = false;  ///< the tenant is leaving; no circuit may be used any more
  std::vector<Circuit> circuits;
  std::vector<Relay> relays;
  std::vector<PortPair> cut;  ///< servers, not ports: pairs of live ones that nothing joins
  bool operator==(const TopologyAnnouncement&) const = default;
};
/// The tenant has left and its servers are the pool's.
struct TenantGone {
  int tenant = 0;
  bool operator==(const TenantGone&) const = default;
};
enum class Severity { kEvent, kMinor, kMajor, kCritical };
enum class AlarmCode {
  kBadEvent,       ///< an event names what does not exist; subject: index of its type in Event
  kTenantRefused,  ///< TenantAdd refused
  kContradictoryDemand,  ///< two demands for one phase
  kPhaseOverdue,         ///< the end of a phase did not come
  kCommandTimedOut,
  kCommandDenied,
  kDeviceSilent,  ///< reads are not answered
  kDeviceBack,
  kContradiction,  ///< a port is not lit as it was left; subject: port
  kPortSuspect,    ///< a port does not obey; subject: port
  kServersCut      ///< subject: pairs of live servers that nothing joins
};
std::string_view to_string(AlarmCode code);
struct Alarm {
  Severity severity = Severity::kEvent;
  AlarmCode code = AlarmCode::kBadEvent;
  int tenant = 0;
  std::int64_t subject = 0;
  bool operator==(const Alarm&) const = default;
};

using Decision = std::variant<DeviceCommand, ReadState, TopologyAnnouncement, TenantGone, Alarm>;

enum class Allocator {
  kGreedy,
  kRefined  ///< where there are EPS NICs; else kGreedy
};

struct RegionConfig {
  static constexpr int kMaxServers = 4096;
  static constexpr int kMaxNics = 64;

  int servers = 0;
  int optical_nics = 6;
  int eps_nics = 2;
  std::vector<int> numa_of_nic;  ///< of each optical NIC; empty: all on one node
  Allocator allocator = Allocator::kGreedy;
  std::int64_t budget = 20'000;  ///< of the refined allocator
  double tolerance = 0.01;       ///< of time, for moving fewer ports (refined)
  int attempts = 3;              ///< for one move, or unanswered reads, before it is given up
  Time drain = Time::zero();     ///< from the announcement to the command
  Time command_timeout = Time::milliseconds(500);
  Time read_timeout = Time::milliseconds(500);  ///< doubles with every failure, up to 64 times
  Time phase_limit = Time::seconds(30);
  Time audit_period = Time::seconds(10);
  Time suspect_hold = Time::seconds(30);  ///< doubles with every strike, up to 64 times

  int ports() const { return servers * optical_nics; }
  int server_of(int port) const { return port / optical_nics; }
  bool operator==(const RegionConfig&) const = default;
};

struct Health {
  bool failed = false;
  std::uint64_t stamp = 0;
  bool operator==(const Health&) const = default;
};

struct Suspicion {
  Time until;       ///< zero: none
  int strikes = 0;  ///< in a row
  bool operator==(const Suspicion&) const = default;
};

enum class Step { kSettled, kDraining, kSwitching, kReading };

struct Slice {
  int tenant = 0;
  std::vector<int> servers;
  bool leaving = false;

  Step step = Step::kSettled;
  Time deadline;                     ///< of the step, unless settled
  std::uint64_t awaited = 0;         ///< id of the command or read that is out
  std::uint64_t last_id = 0;         ///< the latest id used
  std::uint64_t overdue = 0;         ///< the latest command that timed out
  std::vector<PortPair> disconnect;  ///< being carried out: from kDraining until read back
  std::vector<PortPair> connect;
  int moves = 0;  ///< of these lists: a connection with what it needs, or a disconnection
  bool denied = false;
  int attempts = 0;       ///< without progress, in a row
  int batch_limit = 0;    ///< moves in the next command; 0: all
  int read_failures = 0;  ///< in a row

  std::vector<PortPair> target;  ///< sorted
  bool replan = true;            ///< the target is out of date
  bool held = false;             ///< it was planned around the circuits of a running phase
  PhaseId phase;                 ///< of the demand
  ServerDemand demand;
  PhaseId next_phase;  ///< waits for the end of the phase that runs; sequence 0: none
  ServerDemand next_demand;
  PhaseId served;
  std::uint64_t running = 0;  ///< the phase whose traffic runs; 0: none
  std::uint64_t ended = 0;    ///< the latest phase that has ended
  Time running_until;
  TopologyAnnouncement announced;
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
  Time now;
  Time next_audit;
  std::uint64_t last_id = 0;
  bool device_silent = false;
  std::vector<int> lit;  ///< by port: the port it is joined to, -1: dark; as last read
  std::vector<Health> port_health, optical_health, eps_health, server_health;
  std::vector<Suspicion> suspicion;  ///< by port
  std::vector<int> owner;            ///< by server: tenant, 0: pool
  std::vector<Slice> slices;
  Counters counters;

  /// All dark, all well, no tenants. Throws Error when the configuration makes no sense.
  static RegionState fresh(const RegionConfig& config);

  bool live(int server) const { return !server_health[server].failed; }
  int eps_nics_up(int server) const;
  bool has_eps(int server) const { return eps_nics_up(server) > 0; }
  bool suspect(int port) const { return suspicion[port].until > Time::zero(); }
  /// A circuit may be put on it, as far as anybody knows.
  bool usable(int port) const {
    return !port_health[port].failed && !optical_health[port].failed && !suspect(port) &&
           live(config.server_of(port));
  }
  int owner_of(int port) const { return owner[config.server_of(port)]; }
  Slice* find(int tenant);
  const Slice* find(int tenant) const;
  bool operator==(const RegionState&) const = default;
};

/// Throws Error (input, what is wrong) unless the state keeps its invariants and every index and
/// number in it is in range. Cost: linear in its size.
void check_state(const RegionState& state, std::string_view input);

}  // namespace mixnet
