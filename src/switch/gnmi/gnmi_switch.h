// The driver of a switch that runs SONiC, over gNMI.
//
// READING. A cross-connect stands when CONFIG_DB has it and STATE_DB says of both its sides that
// they are tuned. Each look is two Gets at once, of the tables as a whole.
//
// A CHANGE is one Set: deletes, then updates, all or nothing; it names entries of the slice, never
// the table. (But where the table is not there at all, its first entries go in by it: a validating
// switch cannot add to what is not there.) Then the driver looks, again whenever the switch tells
// of ports that are tuned, until what is asked for stands or the dead-line is near. An entry that
// is configured but was lost is removed and made again by the same Set.
//
// VALIDATED OR NOT. With `bypass=yes` the switch is asked to commit unvalidated, which it may
// ignore without a word; which way a Set went is told from its time: below a second is kBypass.
// Unvalidated the device writes entry by entry, so it is not atomic.
//
// SONiC's tables have no optical power. A port is kBlocked where it is configured so
// (force_blocked); the state `blocked` of a port without a cross-connect is kOpen.
//
// EVENTS: sonic_watch.h. An errand of an idle session every 10 s finds out who is gone.
#pragma once

#include <memory>

#include "base/env.h"
#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"
#include "ocs/switch_address.h"

namespace mixnet {

/// Does not connect. Throws Error for files of TLS that cannot be read.
std::unique_ptr<OpticalSwitch> open_gnmi_switch(const SwitchAddress& address, PortSlice slice,
                                                Env& env = system_env());

}  // namespace mixnet
