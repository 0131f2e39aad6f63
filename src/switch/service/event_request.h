// Requests that become events: what is asked for, whom it concerns, and how the audit trail says
// it, by names (daemon/region_words.h).
//
// Pure. Throws Error that names the field (region_wire.h).
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "daemon/daemon_settings.h"
#include "region.pb.h"
#include "region/region_messages.h"
#include "service/access.h"

namespace mixnet {

struct EventRequest {
  Event event;
  std::optional<int> tenant;                 ///< for whom the caller must speak
  std::optional<std::pair<Part, int>> part;  ///< that must be the caller's
  std::string what;  ///< for the audit trail, of bounded length; empty: goes without (traffic)
};

EventRequest read_request(const v1::DemandReport& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::PhaseMark& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::HealthReport& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::TenantAdd& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::TenantRemove& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::ServerDrain& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::CircuitPin& wire, const DaemonSettings& settings);
EventRequest read_request(const v1::SwitchHold& wire, const DaemonSettings& settings);

}  // namespace mixnet
