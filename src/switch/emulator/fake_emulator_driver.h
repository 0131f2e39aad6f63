// A driver of an emulated switch in the same process, without a wire: for tests of what stands
// above drivers, by a simulated clock or the real one, with all the faults of the emulator.
//
// Each patch is a request of its own, all sent at once, as TL1's are. What the wire would do with a
// fault, it does: no answer is a dead-line that passes, a closed connection an error. A reboot lets
// nobody in. It counts what was asked of the switch, and which ports were named.
//
// One thread at a time calls the driver; others may touch the switch under the mutex.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "emulator/emulated_switch.h"
#include "ocs/patch_switch.h"
#include "ocs/switch_error.h"

namespace mixnet {

struct EmulatorAccess {
  explicit EmulatorAccess(EmulatedSwitchConfig config) : device(std::move(config)) {}

  std::mutex mutex;
  EmulatedSwitch device;
  std::int64_t writes = 0;   ///< patches asked for
  std::set<int> named = {};  ///< positions in them
};

class FakeEmulatorDriver final : public PatchSwitch {
 public:
  /// `access` outlives it.
  FakeEmulatorDriver(EmulatorAccess& access, PortSlice slice, Env& env);

  SwitchCapabilities capabilities(MonotonicTime dead_line) override;
  std::vector<PortReading> ports(std::span<const int> ports, MonotonicTime dead_line) override;
  std::vector<SwitchEvent> events(MonotonicTime dead_line) override;

 private:
  void connect(MonotonicTime dead_line) override;
  PortNumbering ask_numbering(MonotonicTime dead_line) override;
  std::vector<Patch> read(std::span<const int> positions, MonotonicTime dead_line) override;
  std::map<Patch, std::string> carry_out(const ChangePlan& plan, MonotonicTime dead_line) override;
  MonotonicTime last_sent() const override { return sent_; }

  [[noreturn]] void fail(SwitchFault fault, std::string_view what);
  [[noreturn]] void pass_dead_line(MonotonicTime dead_line);
  void on_read(MonotonicTime dead_line);
  RequestId request(const Patch& patch, bool add, MonotonicTime now);

  EmulatorAccess& access_;
  std::uint64_t drops_ = 0;
  bool connected_ = false;
  MonotonicTime sent_ = MonotonicTime::min();
};

}  // namespace mixnet
