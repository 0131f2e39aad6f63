// What drivers of switches that keep a table of patches have in common: a change is a look, what is
// missing, and a look again (change_plan.h). A driver says how it connects, reads and carries out.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "ocs/change_plan.h"
#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"
#include "ocs/switch_address.h"

namespace mixnet {

class PatchSwitch : public OpticalSwitch {
 public:
  PatchSwitch(const SwitchAddress& address, PortSlice slice, Env& env);

  CrossConnects cross_connects(MonotonicTime dead_line) final;
  ChangeReport apply(const SwitchChange& change, MonotonicTime dead_line) final;

 protected:
  // The driver's part. All throw SwitchError.
  virtual void connect(MonotonicTime dead_line) = 0;
  /// Asks the device for what the address does not say.
  virtual PortNumbering ask_numbering(MonotonicTime dead_line) = 0;
  /// At least the patches of these positions' ports, which alone it names; of none: all there are.
  virtual std::vector<Patch> read(std::span<const int> positions, MonotonicTime dead_line) = 0;
  /// Asks for a plan, removals first, and waits until it is done. The reasons of what was denied.
  virtual std::map<Patch, std::string> carry_out(const ChangePlan& plan,
                                                 MonotonicTime dead_line) = 0;
  /// When it last wrote to the device.
  virtual MonotonicTime last_sent() const = 0;

  /// Before anything else: connected, and the numbering known.
  void open(MonotonicTime dead_line);
  /// What every driver can say of itself.
  SwitchCapabilities known_capabilities() const;

  Env& env() const { return env_; }
  const SwitchAddress& address() const { return address_; }
  const std::string& device() const { return device_; }  ///< as errors name it
  const PortSlice& slice() const { return slice_; }
  const PortNumbering& numbering() const { return *numbering_; }  ///< once open

 private:
  Env& env_;
  SwitchAddress address_;
  std::string device_;
  PortSlice slice_;
  std::optional<PortNumbering> numbering_;
  DelayMeter delays_;
};

}  // namespace mixnet
