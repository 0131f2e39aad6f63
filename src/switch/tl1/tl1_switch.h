// The driver of switches that speak TL1 (Polatis, Glimmerglass and kin): the contract of
// optical_switch.h over a Tl1Session, in the words of a Tl1Dialect.
//
// A change is one read of its own ports' patches, all deletes and entries in one write, and one
// read again. A patch is deleted only where the read before has shown it; ports of a slice are
// named one by one, in lines of at most 4 KiB. Each patch is a command of its own, so each has its
// own answer: what is denied is known by pair. While events() waits, a read each 30 s keeps the
// session alive.
#pragma once

#include <memory>

#include "base/env.h"
#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"
#include "ocs/switch_address.h"

namespace mixnet {

/// Connects at the first call. Throws Error when the address's dialect cannot be read.
std::unique_ptr<OpticalSwitch> open_tl1_switch(const SwitchAddress& address, PortSlice slice,
                                               Env& env = system_env());

}  // namespace mixnet
