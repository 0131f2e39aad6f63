// A switch that is looked at and never written to: for `mixnetd --observe`.
//
// apply() changes a picture of the switch and not the switch; cross_connects() gives that picture.
// The picture is what was read of the real one, with the changes that would have been made; a port
// that the real one is seen to have changed since the last reading is as the real one has it, and a
// circuit of the picture that such a port was in is gone. Capabilities, ports and events are the
// real one's. There is no path from here to the real one's apply().
#pragma once

#include <span>
#include <vector>

#include "ocs/optical_switch.h"

namespace mixnet {

class ObservedSwitch final : public OpticalSwitch {
 public:
  /// `real` outlives it.
  explicit ObservedSwitch(OpticalSwitch& real);

  SwitchCapabilities capabilities(MonotonicTime dead_line) override;
  CrossConnects cross_connects(MonotonicTime dead_line) override;
  ChangeReport apply(const SwitchChange& change, MonotonicTime dead_line) override;
  std::vector<PortReading> ports(std::span<const int> ports, MonotonicTime dead_line) override;
  std::vector<SwitchEvent> events(MonotonicTime dead_line) override;

 private:
  OpticalSwitch& real_;
  CrossConnects seen_, picture_;
  bool has_seen_ = false;
};

}  // namespace mixnet
