// What can go wrong with an optical switch, when, and how often it did.
//
// A fault is of a KIND and strikes at a STAGE of a request's life:
//
//   received -> moving -> settled (lit, not answered yet) -> answered
//   reading: the state is asked for
//   idle: nothing is under way (EmulatedSwitch::strike(), or after the last request's answer)
//
//   deny            received: refused. moving: given up, what stood stands again, refused.
//                   settled: carried out, and refused all the same. reading: refused
//   silence         no answer is ever sent. received: not carried out. moving: what was to be
//                   removed is gone, nothing was added. settled: carried out
//   half-applied    answered as done. received: the second half of the request is not looked at.
//                   moving: all is removed, and the first half of what was to be added is
//   drop            the connection is closed in place of the answer; idle, answered: afterwards.
//                   received: not carried out. moving (amid it), settled: carried out
//   slow            moving: takes 10 times as long. settled: lit, but answered as late as that.
//                   reading: answered after `for` (1 s)
//   stuck           a port does not move any more, and the device knows: kStuck, and its state is
//                   kFailed. moving: the other ports of the request move
//   stuck-silently  likewise, and it does not know: what stands stays, answered as done
//   lost-circuit    what stands at a port is gone, with an alarm
//   swapped         the output fibres of two ports (port_light.h)
//   dark            no light enters at a port, with an alarm
//   alarm           a spurious one
//   reboot          for `for` (2 s) nothing is answered and connections are closed. Circuits stay,
//                   as piezo actuators latch; what is moving comes to rest dark
//   reboot-lost     likewise, and all circuits are gone
//
// Those from lost-circuit on are events from outside, and strike at any stage. Stuck, dark and
// swapped stand until `for` has passed, or for ever.
//
// As text, for flags and files:  KIND@STAGE [port=N] [with=N] [after=N] [for=TIME] [rate=P]
//   "silence@settled after=3"    the fourth request that settles
//   "stuck@idle port=7 for=10s"  "swapped@idle port=3 with=4"
//   "drop@reading rate=0.01"     seeded, each time with this probability, for ever
//
// Same seed, same moments: same faults. Not thread-safe. A moment costs O(faults armed).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/names.h"
#include "base/random.h"

namespace mixnet {

enum class FaultKind {
  kDeny,
  kSilence,
  kHalfApplied,
  kDrop,
  kSlow,
  kStuck,
  kStuckSilently,
  kLostCircuit,
  kSwapped,
  kDark,
  kAlarm,
  kReboot,
  kRebootLost
};
constexpr std::size_t kFaultKinds = 13;
template <>
struct Names<FaultKind> {
  static constexpr std::string_view kWhat = "kind of fault";
  static constexpr NamedValue<FaultKind> kTable[] = {{"deny", FaultKind::kDeny},
                                                     {"silence", FaultKind::kSilence},
                                                     {"half-applied", FaultKind::kHalfApplied},
                                                     {"drop", FaultKind::kDrop},
                                                     {"slow", FaultKind::kSlow},
                                                     {"stuck", FaultKind::kStuck},
                                                     {"stuck-silently", FaultKind::kStuckSilently},
                                                     {"lost-circuit", FaultKind::kLostCircuit},
                                                     {"swapped", FaultKind::kSwapped},
                                                     {"dark", FaultKind::kDark},
                                                     {"alarm", FaultKind::kAlarm},
                                                     {"reboot", FaultKind::kReboot},
                                                     {"reboot-lost", FaultKind::kRebootLost}};
};

enum class FaultStage { kIdle, kReceived, kMoving, kSettled, kAnswered, kReading };
constexpr std::size_t kFaultStages = 6;
template <>
struct Names<FaultStage> {
  static constexpr std::string_view kWhat = "stage";
  static constexpr NamedValue<FaultStage> kTable[] = {
      {"idle", FaultStage::kIdle},         {"received", FaultStage::kReceived},
      {"moving", FaultStage::kMoving},     {"settled", FaultStage::kSettled},
      {"answered", FaultStage::kAnswered}, {"reading", FaultStage::kReading}};
};

/// Pairs that cannot be, and why.
struct ImpossibleFault {
  FaultKind kind;
  FaultStage stage;
  std::string_view reason;
};
std::span<const ImpossibleFault> impossible_faults();
/// Empty: it can be.
std::string_view why_impossible(FaultKind kind, FaultStage stage);
/// Comes from outside, at any stage, whatever is asked for.
constexpr bool is_event(FaultKind kind) { return kind >= FaultKind::kLostCircuit; }

struct Fault {
  FaultKind kind = FaultKind::kDeny;
  FaultStage stage = FaultStage::kIdle;
  int port = 0;                   ///< position; 0: any
  int with = 0;                   ///< swapped: the other; 0: any
  std::int64_t after = 0;         ///< so many moments at which it could strike are let pass
  std::optional<Duration> lasts;  ///< none: as above
  double rate = 0;                ///< over 0: with this probability each time, for ever
  bool operator==(const Fault&) const = default;
};
std::string to_string(const Fault& fault);
/// Of positions 1..ports. Throws Error; also for an impossible pair, with the reason.
Fault parse_fault(std::string_view text, std::string_view input, int ports);

class SwitchFaults {
 public:
  explicit SwitchFaults(std::uint64_t seed) : random_(derive_seed(seed, 0xfa17)) {}

  /// Of a pair that can be. Several may be armed; of those that match a moment, the first strikes.
  void arm(const Fault& fault) { armed_.push_back(fault); }
  void disarm() { armed_.clear(); }
  const std::vector<Fault>& armed() const { return armed_; }

  /// How often it struck.
  std::int64_t count(FaultKind kind, FaultStage stage) const;

  // For the switch itself.

  /// What strikes at this moment of a request that names these positions; `port` is one of them
  /// where the fault names none, but for events.
  std::optional<Fault> strike(FaultStage stage, std::span<const int> ports = {});
  void record(FaultKind kind, FaultStage stage);
  Random& random() { return random_; }

 private:
  std::vector<Fault> armed_;
  std::array<std::array<std::int64_t, kFaultStages>, kFaultKinds> counts_{};
  Random random_;
};

}  // namespace mixnet
