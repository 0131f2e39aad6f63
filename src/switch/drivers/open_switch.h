// Any optical switch, by its address.
#pragma once

#include <memory>

#include "base/env.h"
#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"
#include "ocs/switch_address.h"

namespace mixnet {

/// The driver that the address's protocol asks for; connects at its first call. `slice`: positions
/// that it may name, sorted; empty: all. Throws Error for a dialect or certificate that cannot be
/// read.
std::unique_ptr<OpticalSwitch> open_switch(const SwitchAddress& address, PortSlice slice,
                                           Env& env = system_env());

}  // namespace mixnet
