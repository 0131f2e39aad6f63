// What is logged of a happening: at most a few entries, none of most. Pure.
//
// Ticks, marks and demands alone say nothing; what they make the controller do does. Passwords are
// in no happening.
#pragma once

#include <vector>

#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "monitor/event_log.h"

namespace mixnet {

/// `now`: for happenings that do not say when they were. Appends to `entries`.
void log_of(const Happening& happening, const DaemonSettings& settings, Instant now,
            std::vector<LogEntry>& entries);

}  // namespace mixnet
