// The driver of switches that speak SCPI (Polatis): the contract of optical_switch.h.
//
// Commands have no tags and changes no answers. So each exchange is a command, then
// `:syst:err:all?`, then `*opc?`, whose `1` says that all before it is done; a query that is
// refused has no line before that. After a time-out the connection is closed, as what comes later
// could not be told from the next answer.
//
// A change is a read of all patches, one `sub` and one `add` of lists, and a read. Where errors
// came and a pair is not as asked, what is missing is asked for pair by pair, so that a pair that
// is denied does not hinder the others, and its error is known. Never `only`, never `disc:all`.
// There are no events: while events() waits, the error queue is read twice a second; other clients'
// errors may be in it.
//
// A switch whose `size?` has no outputs (`192,0`) is taken to be of one side: no public transcript
// shows one.
#pragma once

#include <memory>

#include "base/env.h"
#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"
#include "ocs/switch_address.h"

namespace mixnet {

/// Connects at the first call.
std::unique_ptr<OpticalSwitch> open_scpi_switch(const SwitchAddress& address, PortSlice slice,
                                                Env& env = system_env());

}  // namespace mixnet
