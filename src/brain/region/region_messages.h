// What the regional controller hears and says: events in, decisions out.
//
// A region is `servers` servers with `optical_nics` NICs each on one optical switch (OCS). OCS port
// s * optical_nics + k belongs to NIC k of server s; a driver translates to the device's numbers.
// Servers are sliced among tenants (jobs); a server without a tenant belongs to the pool, tenant 0.
//
// EVENTS. What each means when it is late, doubled, out of order, contradictory or missing:
//   DemandReport  phase.sequence orders a tenant's phases. Not newer than the latest: dropped; the
//                 same sequence with other bytes: the first counts, alarm, unless that one was
//                 only expected. Missing: the last demand goes on. During a running phase it waits
//                 for the phase's end. What becomes of the circuits, and when, is the policy's
//                 (switch_policy.h).
//   PhaseMark     begin and end of traffic, by the same sequence. While a phase runs, no circuit
//                 moves that works, unless the policy moved it for this phase. A begin ends every
//                 earlier phase; an end without a begin counts
//                 as both; marks of ended phases are dropped; an end that does not come in time is
//                 taken as come, alarm.
//   HealthReport  of a port, NIC or server. `stamp` is the source's counter: not newer than the
//                 last about that part: dropped; 0: no counter, the last to arrive counts. Missing:
//                 a port that does not obey becomes suspect and is left alone for a while.
//   DeviceAnswer  to the command that is out. Of one that timed out: the device is read soon. Any
//                 other: dropped. Missing: time-out, then the device is read.
//   DeviceState   to a read that is out. The device is right about what is lit, we about what
//                 should be. Other numbers, or a port in two circuits: dropped. Missing: read
//                 again. Forbidden ports may be in many: one may stand for all that is not ours.
//                 What is lit between them is not looked at; a port of ours that is joined to one
//                 is of no use until it is dark, and is not touched.
//   TenantAdd     the same again: dropped. A tenant that exists with other servers, servers that
//                 are not the pool's, or whose ports are not dark yet (but for pins that come along
//                 with both ends, and for what forbidden ports are joined to): refused, alarm.
//   TenantRemove  of an unknown or leaving tenant: dropped.
//   ServerDrain   the operator wants a server's circuits gone, at once, also beneath a phase: no
//                 circuit is put on its ports, those that are lit are no longer announced, and go
//                 dark `drain` later. Its EPS goes on, and its pins come back with it. The same
//                 again: dropped.
//   CircuitPin    the operator wants this circuit lit and left alone, or no longer so; at once.
//                 Ports in either order. Of ports that do not exist, are forbidden, of one server,
//                 or in another pin: refused, alarm. The same again, or the end of a pin that is
//                 none: dropped. It is a circuit of the slice that both its servers belong to, the
//                 pool's and that of a tenant that leaves included, and goes with them from the one
//                 to the other. Between two slices it is nobody's: it stays as it is, lit or dark,
//                 and its ports serve nobody.
//   SwitchHold    somebody else works on the switch: nothing is commanded until it ends (a command
//                 that is out is let finish), reads go on, and what they say is right, whatever was
//                 left. Demands are taken, and served by what is lit. When it ends all is read,
//                 then planned again. The same again: dropped.
//   Tick          only the time; due at the next deadline. Missing: everything waits, nothing
//                 breaks.
//
// A CAP on moves per minute (RegionConfig) lets a command connect as many circuits as there are
// tokens; of slices that wait, the one whose last turn is longest ago is first. What does not fit
// waits, alarm, once a change; so long what it would take the ports of stays lit and announced, and
// the phase is served at once. What is tried counts as done. Nothing is above the cap, so that a
// server that only a new circuit would join waits as well.
//
// DECISIONS are to be carried out in the order in which they are given. The driver's part: it
// carries commands and reads out in order, so that a command that has timed out does not act after
// a later read was answered.
//
// Plain values.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/instant.h"
#include "circuits/circuits.h"

namespace mixnet {

inline constexpr std::uint64_t kMostSequence = std::uint64_t{1} << 62;  ///< of phases and ids
inline constexpr std::int64_t kMostCellBytes = std::int64_t{1} << 53;   ///< of a demand's cell

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

/// What a policy weighs a move of the switch against: computation beneath which it may hide.
struct PhaseOutlook {
  /// From now until the phase's traffic: attention; in backward, what lies between two of the
  /// layer's uses of the switch.
  Duration before;
  Duration after;         ///< from its end to the next phase: the experts
  Duration inside;        ///< that an all-to-all takes inside servers, whatever the circuits
  bool expected = false;  ///< the bytes are a forecast; those that the gate gives will follow
  bool operator==(const PhaseOutlook&) const = default;
};
struct DemandReport {
  int tenant = 0;
  PhaseId phase;
  ServerDemand bytes;  ///< between the tenant's servers, in the order of TenantAdd::servers
  PhaseOutlook outlook = {};
};
struct PhaseMark {
  int tenant = 0;
  std::uint64_t sequence = 0;
  bool begins = false;  ///< or ends
};
enum class Part { kOcsPort, kOpticalNic, kEpsNic, kServer };
struct HealthReport {
  Part part = Part::kServer;
  /// kOcsPort, kOpticalNic: port; kEpsNic: server * eps_nics + nic; kServer: server.
  int index = 0;
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
struct ServerDrain {
  int server = 0;
  bool drained = false;
};
struct CircuitPin {
  PortPair ports;
  bool pinned = false;
};
struct SwitchHold {
  bool held = false;
};

/// New kinds are added at the end: their index is a bad event's subject.
using Event = std::variant<DemandReport, PhaseMark, HealthReport, DeviceAnswer, DeviceState,
                           TenantAdd, TenantRemove, Tick, ServerDrain, CircuitPin, SwitchHold>;

/// Disconnect these pairs where they are connected, then connect those.
struct DeviceCommand {
  std::uint64_t id = 0;
  int tenant = 0;
  std::vector<PortPair> disconnect;
  std::vector<PortPair> connect;
  Duration time_out;  ///< from now on: an answer after that is not waited for
  bool operator==(const DeviceCommand&) const = default;
};
struct ReadState {
  std::uint64_t id = 0;
  Duration time_out;  ///< likewise
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
  PhaseId served;       ///< what the policy waits for has come: this phase's traffic may start
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
  kServersCut,     ///< subject: pairs of live servers that nothing joins
  kPinRefused,     ///< CircuitPin refused; subject: the port that stands against it
  kMovesCapped     ///< a change waits for the cap on moves per minute; subject: circuits that wait
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

}  // namespace mixnet
