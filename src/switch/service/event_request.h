// Requests that become events: what is asked for, whom it concerns, and how the audit trail says
// it.
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
  std::string what = {};                     ///< for the audit trail; empty: goes without
};

EventRequest read_request(const v1::DemandReport& wire);
EventRequest read_request(const v1::PhaseMark& wire);
EventRequest read_request(const v1::HealthReport& wire);
EventRequest read_request(const v1::TenantAdd& wire);
EventRequest read_request(const v1::TenantRemove& wire);
EventRequest read_request(const v1::ServerDrain& wire);
EventRequest read_request(const v1::CircuitPin& wire);
EventRequest read_request(const v1::SwitchHold& wire);

/// How the audit trail says it, by the names of region.yaml and the switch's positions; of bounded
/// length. Empty of traffic, which is not audited.
std::string audit_text(const Event& event, const DaemonSettings& settings);

}  // namespace mixnet
