// Servers, ports and alarms as an operator knows them: by the names of region.yaml and by positions
// of the switch. For the log, the page, the audit trail and the API alike.
//
// Pure. Numbers may be anything: of what does not exist the number is told.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/daemon_settings.h"
#include "region/region_messages.h"

namespace mixnet {

/// "gpu-1"; "server 99" where there is none.
std::string server_text(std::int64_t server, const DaemonSettings& settings);
/// "gpu-1:eth2 (position 4)"; "port 99" of a port that there is not.
std::string port_text(std::int64_t port, const DaemonSettings& settings);
/// "gpu-1:eth2 (position 4)", "NIC 0 of gpu-1 beside the switch", "gpu-1".
std::string part_text(Part part, std::int64_t index, const DaemonSettings& settings);

/// "gpu-1:eth2 (position 4) does not obey and rests for a while". What to do about it:
/// monitor/alarm_advice.h.
std::string alarm_text(const Alarm& alarm, const DaemonSettings& settings);

}  // namespace mixnet
