// The seam to hardware: an optical circuit switch (OCS), whatever it speaks.
//
// POSITIONS. A switch has positions 1..ports. To a position leads the fibre pair of one NIC: what
// the NIC sends and what it receives. A *circuit* joins two positions, both directions. How many
// cross-connects of the device that is (one where a port carries both directions, two where inputs
// and outputs are ports of their own: port_numbering.h) is the driver's affair.
//
// THE CONTRACT, which every driver keeps (tests/ocs_contract_test.cc):
//   - A switch is shared. A driver is given a slice of positions and names no other in a command:
//     there is no "replace all", no "delete all". A circuit from the slice to a position outside is
//     reported (CrossConnects::taken), never moved. What another client does to the slice's own
//     ports between a driver's look and its command is not prevented: slices are to be disjoint.
//   - Every call has a dead-line and returns or throws by then (and 50 ms at most).
//   - apply() looks before it acts, asks for what is missing only, reads back, and answers by what
//     it read. Asked for what is there, it does nothing. A pair that is denied does not hinder the
//     others, unless the device is atomic.
//   - When apply() throws, the state of the change's pairs is unknown: it may be none, all, or half
//     of it, and half a circuit. cross_connects() tells, reconcile() (change_plan.h) mends.
//   - A connection that breaks is made again by the next call, not before the back-off is over.
//   - Alarms that come amid answers are kept for events(), the latest 4,096.
//
// Not thread-safe: one thread at a time. Nothing runs between calls, so who has nothing to ask
// waits in events(), which keeps the session alive.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "base/names.h"

namespace mixnet {

/// Two positions, a < b.
struct OpticalCircuit {
  int a = 0;
  int b = 0;
  auto operator<=>(const OpticalCircuit&) const = default;
};

/// One direction alone: light that enters at position `from` leaves at position `to`.
struct LightPath {
  int from = 0;
  int to = 0;
  auto operator<=>(const LightPath&) const = default;
};

/// Whether a port carries both directions (one) or inputs and outputs are apart (two).
enum class Sides { kOne, kTwo };
template <>
struct Names<Sides> {
  static constexpr std::string_view kWhat = "sidedness";
  static constexpr NamedValue<Sides> kTable[] = {{"one", Sides::kOne}, {"two", Sides::kTwo}};
};

/// How a SONiC switch commits a change: checked against its models, which takes seconds, or not.
enum class CommitPath { kDirect, kValidated, kBypass };
template <>
struct Names<CommitPath> {
  static constexpr std::string_view kWhat = "way to commit";
  static constexpr NamedValue<CommitPath> kTable[] = {{"direct", CommitPath::kDirect},
                                                      {"validated", CommitPath::kValidated},
                                                      {"bypass", CommitPath::kBypass}};
};

struct SwitchCapabilities {
  std::string identity;  ///< as the device gives it: maker, model, version
  int ports = 0;         ///< positions
  Sides sides = Sides::kOne;
  int batch = 0;        ///< most cross-connects of one command; 0: no bound is known
  bool atomic = false;  ///< a change that cannot be made whole is not made at all
  bool power = false;   ///< optical power can be read
  CommitPath commit = CommitPath::kDirect;  ///< by which the last change went, as timed
  /// From command to answer, of the changes until now: the median of the last 64. Zero: none yet.
  Duration measured_delay;
};

/// What is joined now, of the slice. Each list is sorted.
struct CrossConnects {
  std::vector<OpticalCircuit> circuits = {};
  std::vector<LightPath> halves = {};  ///< one direction without the other
  std::vector<int> taken = {};         ///< positions of the slice joined with one outside
  bool operator==(const CrossConnects&) const = default;
};

/// First disconnect, then connect. What stands of a pair to be disconnected is removed, if only a
/// half, and of a position with itself as well; a position is to be connected once at most.
struct SwitchChange {
  std::vector<OpticalCircuit> disconnect = {};
  std::vector<OpticalCircuit> connect = {};
  bool operator==(const SwitchChange&) const = default;
};

enum class PairOutcome {
  kDone,       ///< as asked, by this change
  kAlready,    ///< as asked before
  kBusy,       ///< not asked for: a position is in another cross-connect
  kDenied,     ///< the device said no
  kDisobeyed,  ///< the device said yes, and what was read back is something else
};
template <>
struct Names<PairOutcome> {
  static constexpr std::string_view kWhat = "outcome";
  static constexpr NamedValue<PairOutcome> kTable[] = {{"done", PairOutcome::kDone},
                                                       {"already", PairOutcome::kAlready},
                                                       {"busy", PairOutcome::kBusy},
                                                       {"denied", PairOutcome::kDenied},
                                                       {"disobeyed", PairOutcome::kDisobeyed}};
};

struct PairResult {
  OpticalCircuit circuit;
  bool connect = false;  ///< or disconnect
  PairOutcome outcome = PairOutcome::kDone;
  std::string reason = {};  ///< the device's code and text, where it was denied
  bool operator==(const PairResult&) const = default;
};

struct ChangeReport {
  std::vector<PairResult> pairs;  ///< in the change's order: disconnects, then connects
  Duration turn_around;  ///< from the first command to the last answer; zero: none was sent
  CommitPath commit = CommitPath::kDirect;
  /// When the last command was written to the device; min(): none was.
  MonotonicTime sent = MonotonicTime::min();
  /// All pairs are as asked.
  bool complete() const;
};

enum class PortState {
  kOpen,     ///< light may pass
  kBlocked,  ///< its shutter is shut
  kMoving,   ///< being switched
  kFailed
};
template <>
struct Names<PortState> {
  static constexpr std::string_view kWhat = "state of a port";
  static constexpr NamedValue<PortState> kTable[] = {{"open", PortState::kOpen},
                                                     {"blocked", PortState::kBlocked},
                                                     {"moving", PortState::kMoving},
                                                     {"failed", PortState::kFailed}};
};

/// Power in dBm: of what the NIC sends into the switch, and of what the switch sends to the NIC.
struct PortReading {
  int port = 0;
  PortState state = PortState::kOpen;
  std::optional<double> input_dbm;
  std::optional<double> output_dbm;
};

enum class AlarmLevel { kEvent, kMinor, kMajor, kCritical };
template <>
struct Names<AlarmLevel> {
  static constexpr std::string_view kWhat = "level of an alarm";
  static constexpr NamedValue<AlarmLevel> kTable[] = {{"event", AlarmLevel::kEvent},
                                                      {"minor", AlarmLevel::kMinor},
                                                      {"major", AlarmLevel::kMajor},
                                                      {"critical", AlarmLevel::kCritical}};
};

struct SwitchEvent {
  AlarmLevel level = AlarmLevel::kEvent;
  std::string code;  ///< the device's, "REPT ALM CRS"
  int port = 0;      ///< position; 0: none is named
  std::string text;
};

class OpticalSwitch {
 public:
  OpticalSwitch() = default;
  OpticalSwitch(const OpticalSwitch&) = delete;
  OpticalSwitch& operator=(const OpticalSwitch&) = delete;
  virtual ~OpticalSwitch() = default;

  // All throw SwitchError (switch_error.h).
  virtual SwitchCapabilities capabilities(MonotonicTime dead_line) = 0;
  virtual CrossConnects cross_connects(MonotonicTime dead_line) = 0;
  virtual ChangeReport apply(const SwitchChange& change, MonotonicTime dead_line) = 0;
  /// Of these positions of the slice; of none: of the whole slice.
  virtual std::vector<PortReading> ports(std::span<const int> ports, MonotonicTime dead_line) = 0;
  /// Those that came; waits for the first, and returns none at the dead-line.
  virtual std::vector<SwitchEvent> events(MonotonicTime dead_line) = 0;
};

}  // namespace mixnet
