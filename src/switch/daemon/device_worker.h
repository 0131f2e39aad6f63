// The thread that owns the OpticalSwitch: it carries commands and reads out in the order in which
// they are pushed, and says what came of them. When there is nothing to do for a while it listens
// to the switch, which keeps the session alive, and from time to time reads its ports: every 10 s,
// or more seldom where that takes more than 100 ms.
//
// What has not begun by its dead-line is not begun: a command that has timed out must not act after
// a later read. Reads that wait one behind another are answered by one reading. Listening takes a
// few milliseconds once a second, and only of a switch that nobody wants anything of; where
// commands come thick, what the switch said amid its answers is taken without waiting.
//
// Thread-safe. The sink's functions are called on the worker's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "ocs/optical_switch.h"
#include "region/region_messages.h"

namespace mixnet {

struct DeviceWork {
  bool is_read = false;
  std::uint64_t id = 0;
  DeviceCommand command = {};  ///< unless it is a read
  SwitchChange change = {};
  MonotonicTime dead_line = {};
};

/// kSkipped: too late, or the worker stops: nothing was sent.
enum class DeviceEnd { kDone, kFailed, kSkipped };

struct DeviceResult {
  DeviceWork work;
  DeviceEnd end = DeviceEnd::kDone;
  std::string error = {};  ///< unless done
  bool is_late = false;    ///< its dead-line was over when it ended
  ChangeReport report = {};
  CrossConnects read = {};
  MonotonicTime begun = {}, sent = {}, done = {};
};

class DeviceWorker {
 public:
  struct Sink {
    std::function<void(DeviceResult&&)> result;
    std::function<void(std::vector<SwitchEvent>&&)> spoke;
    std::function<void(std::vector<PortReading>&&)> ports;
    /// The switch has stopped to answer, and why; "": it answers (again). Told at a change only.
    std::function<void(const std::string& why)> reach;
  };

  /// `device` outlives it.
  DeviceWorker(OpticalSwitch& device, Sink sink, Env& env);
  DeviceWorker(const DeviceWorker&) = delete;
  DeviceWorker& operator=(const DeviceWorker&) = delete;
  /// As stop().
  ~DeviceWorker();

  void push(std::vector<DeviceWork> works);
  /// Ends when what has begun has ended; the rest comes out as skipped. Idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
