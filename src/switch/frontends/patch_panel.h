// The emulated switch in the device's own port numbers, as TL1 and SCPI have them: patches and
// ports instead of light paths and positions.
//
// Of one side a port is both fibres of its position; of two, an input (1..N) or an output (N+1..2N)
// alone. Called on the host's thread.
#pragma once

#include <optional>
#include <vector>

#include "emulator/emulated_switch.h"
#include "ocs/port_numbering.h"

namespace mixnet {

class PatchPanel {
 public:
  explicit PatchPanel(const EmulatedSwitchConfig& config)
      : numbering_{config.sides, config.ports} {}

  const PortNumbering& numbering() const { return numbering_; }
  int count() const { return numbering_.device_ports(); }

  /// What stands, by its lower port. Of one side, both directions of a circuit are one patch.
  std::vector<Patch> patches(const EmulatedSwitch& device) const;
  /// The patch that a port is in.
  std::optional<Patch> patch_of(const EmulatedSwitch& device, int port) const;

  /// To be joined, in place of whatever else their ports are in.
  PathRequest connect(const std::vector<Patch>& patches) const;
  /// To be free, whatever they are in.
  PathRequest disconnect(const std::vector<int>& ports) const;
  PathRequest disconnect_all() const;

  /// What the meter at a port reads, dBm: of two sides, the input's or the output's. Of one side,
  /// of what comes in.
  double power(const EmulatedSwitch& device, int port) const;

 private:
  void clear(int port, PathRequest& request) const;

  PortNumbering numbering_;
};

}  // namespace mixnet
