// How long each stage of a reconfiguration took, from what happens in the daemon.
//
//   decide    an event has come from the queue -> the controller has answered
//   store     -> it is on the disk
//   hand      -> commands lie with the driver's thread
//   send      -> the last command is written to the switch
//   switch    from the first command to the switch's last answer
//   verify    -> the switch was read back, and the NICs are up
//   announce  -> the new topology is announced
//   total     from the event upon which a command was decided to that announcement
//
// Of events without a command only `store` counts, so that thousands of marks of phases do not hide
// what a reconfiguration takes.
//
// A StageClock belongs to one thread. It remembers one command a tenant, as the controller does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "base/names.h"
#include "daemon/happenings.h"

namespace mixnet {

enum class Stage { kDecide, kStore, kHand, kSend, kSwitch, kVerify, kAnnounce, kTotal };
inline constexpr std::size_t kStages = 8;
template <>
struct Names<Stage> {
  static constexpr std::string_view kWhat = "stage";
  static constexpr NamedValue<Stage> kTable[] = {
      {"decide", Stage::kDecide}, {"store", Stage::kStore},      {"hand", Stage::kHand},
      {"send", Stage::kSend},     {"switch", Stage::kSwitch},    {"verify", Stage::kVerify},
      {"total", Stage::kTotal},   {"announce", Stage::kAnnounce}};
};

struct StageTime {
  Stage stage = Stage::kDecide;
  Duration took;  ///< never negative
  bool operator==(const StageTime&) const = default;
};

class StageClock {
 public:
  /// What has ended with this. Valid until the next call.
  const std::vector<StageTime>& hear(const Happening& happening);

 private:
  struct Underway {
    std::uint64_t id = 0;
    MonotonicTime received, handed, linked;
    bool is_done = false;  ///< linked is known
  };
  void hear_event(const EventHandled& event);
  void hear_done(const DeviceDone& done);
  void add(Stage stage, MonotonicTime::duration took);

  std::map<int, Underway> underway_;  // by tenant
  std::vector<StageTime> times_;
};

/// The latest times of each stage, for quantiles of what happened lately.
class RecentTimes {
 public:
  static constexpr std::size_t kMost = 1'000;

  void add(const StageTime& time);

  struct Summary {
    std::uint64_t count = 0;  ///< since the start
    Duration p50, p99, most;  ///< of the latest kMost; zero: none
  };
  Summary summary(Stage stage) const;
  /// Of the latest kMost, how many took up to each of `bounds` (ascending) and more than the one
  /// before; one more element for those above all.
  std::vector<std::uint64_t> histogram(Stage stage, const std::vector<Duration>& bounds) const;

 private:
  struct Ring {
    std::vector<Duration> times;
    std::uint64_t count = 0;
  };
  std::array<Ring, kStages> rings_;
};

}  // namespace mixnet
