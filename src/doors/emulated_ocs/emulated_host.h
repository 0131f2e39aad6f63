// mixnet-ocs at work: one emulated switch, the servers that speak for it, its data plane and its
// state file, on one thread, until SIGINT or SIGTERM.
//
// Prints on standard output, as each server listens, `tl1 127.0.0.1:3082`, then `ready`. What
// happens to it later (alarms, interfaces that go) is told on standard error.
#pragma once

#include "ocs_config.h"

namespace mixnet::ocs {

/// Throws Error when it cannot be set up.
void run_emulated_switch(const OcsConfig& config);

}  // namespace mixnet::ocs
