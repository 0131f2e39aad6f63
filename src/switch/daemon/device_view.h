// Between the controller's ports and the switch's positions: what a command asks of the switch, and
// what a reading or a report says to the controller.
//
// The controller knows pairs of ports, lit or dark. A switch holds more than that, on our slice:
//   half a circuit, a->b alone    lit, unless the pair is wanted: then dark. Either way the
//                                 controller's next command mends it: it disconnects what it does
//                                 not want, if only a half, or connects what it wants, whose other
//                                 half a driver adds.
//   what a pair of ports cannot say   a port joined with itself, a second half at one port, a
//                                 circuit to a position of ours with no NIC: *clutter*. It goes
//                                 before a command connects one of its ports, and stays otherwise.
//   a circuit to a position that is not ours, or forbidden    dark; never touched. A command that
//                                 finds it in the way is denied, and names the port.
// Pure functions; O(circuits log circuits).
#pragma once

#include <span>
#include <vector>

#include "daemon/daemon_settings.h"
#include "ocs/optical_switch.h"
#include "region/region_state.h"

namespace mixnet {

struct DeviceView {
  std::vector<PortPair> lit;            ///< no port twice
  std::vector<OpticalCircuit> clutter;  ///< positions; may be one with itself
};

/// `state`: says which pairs are wanted (targets, pins).
DeviceView view_of(const CrossConnects& read, const DaemonSettings& settings,
                   const RegionState& state);

/// What the switch is asked for. A pair with a port that has no position, or a forbidden one, is
/// left out: the controller names none.
SwitchChange change_of(const DeviceCommand& command, const DaemonSettings& settings,
                       std::span<const OpticalCircuit> clutter);

/// Of a change that was carried out and read back. Complete: it tells what is lit. Else the
/// controller reads; a port that is to blame is named where a pair is busy, and one of its
/// positions is among `taken`.
DeviceAnswer answer_of(const DeviceCommand& command, const ChangeReport& report,
                       const DaemonSettings& settings, std::span<const int> taken);

/// "1-17, 2-18"
std::string text_of(std::span<const OpticalCircuit> circuits);
/// "command 7: disconnect 1-17; connect 1-18, 2-17"
std::string text_of(const DeviceCommand& command, const SwitchChange& change);
/// "done in 25 ms", "2-17 denied (code and text), 3-4 busy"
std::string text_of(const ChangeReport& report);

}  // namespace mixnet
