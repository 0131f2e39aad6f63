// What happens in a daemon, for whoever watches it: the API's streams, metrics, the log, the page.
//
// A listener is called on the loop's thread, in the order in which things happen, after commands
// are on their way. It must be quick, must not block and must not throw: what takes time it hands
// to a thread of its own. References in a happening are good for the call alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "ocs/optical_switch.h"
#include "region/region_state.h"

namespace mixnet {

/// When an event passed which stage. All on the monotonic clock.
struct StageTimes {
  MonotonicTime received;  ///< by the loop's queue
  MonotonicTime decided;   ///< the controller has answered
  MonotonicTime stored;
  MonotonicTime handed;  ///< commands and reads lie with the driver's thread
};

/// The controller has heard an event.
struct EventHandled {
  std::uint64_t record = 0;  ///< its number in the store
  Instant now;
  const Event& event;
  const std::vector<Decision>& decisions;
  const RegionState& state;  ///< afterwards
  StageTimes times;
};

/// A command or a read has come back from the switch, or has failed.
struct DeviceDone {
  std::uint64_t id = 0;
  int tenant = 0;
  bool is_read = false;
  std::vector<OpticalCircuit> disconnect, connect;  ///< positions; of a command
  ChangeReport report;                              ///< of a command
  std::string error;                                ///< empty: none
  /// begun: by the driver's thread; sent: the last command was written to the switch (begun, where
  /// none was); done: answered and read back; linked: the NICs are up as well.
  MonotonicTime begun, sent, done, linked;
};

/// The switch says something of itself.
struct SwitchSpoke {
  Instant now;
  SwitchEvent event;
};

/// A reading of the slice's ports, every so often.
struct PortsRead {
  std::vector<PortReading> ports;
};

/// Somebody asked for something: taken or refused. Goes into the audit trail.
struct Audited {
  Instant now;
  std::string who;
  std::string what;
  bool refused = false;
};

enum class Milestone { kStarted, kReady, kDeviceLost, kDeviceBack, kStopping, kStopped };
struct MilestoneReached {
  Instant now;
  Milestone milestone = Milestone::kStarted;
  std::string text;
};

using Happening =
    std::variant<EventHandled, DeviceDone, SwitchSpoke, PortsRead, Audited, MilestoneReached>;
using HappeningListener = std::function<void(const Happening&)>;

}  // namespace mixnet
