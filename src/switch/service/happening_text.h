// Happenings as WatchHappenings tells them, GetAlarms and GetAudit list them: a kind, a code, and a
// sentence for people.
//
// Pure. Texts are cut at 1,024 bytes. Cost: some microseconds for each that is to be told; events
// of traffic (demands, marks) give none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "region.pb.h"
#include "store/region_store.h"

namespace mixnet {

std::vector<v1::Happening> to_wire(const Happening& happening, const DaemonSettings& settings,
                                   Instant now);
v1::Happening alarm_message(const Alarm& alarm, Instant at, const DaemonSettings& settings);
v1::Happening audit_message(const AuditEntry& entry);
/// Of any number: "gpu-0:eth2 (position 1)", "port 99"; "gpu-0", "server 99".
std::string port_text(std::int64_t port, const DaemonSettings& settings);
std::string server_text(std::int64_t server, const DaemonSettings& settings);

}  // namespace mixnet
