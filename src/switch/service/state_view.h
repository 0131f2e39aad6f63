// A region as the API shows it: from a copy of the controller's state, or from the settings.
//
// Pure. Cost: linear in servers, ports and tenants' demands; 0.2 ms for 64 servers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/daemon_settings.h"
#include "region.pb.h"
#include "region/region_state.h"

namespace mixnet {

v1::RegionDescription describe(const DaemonSettings& settings, std::string_view version);

/// What a state does not know of the daemon around it.
struct RunFacts {
  Instant now;
  std::int64_t run = 0;
  std::uint64_t records = 0;
  bool ready = false;
};
/// Without the snapshot.
v1::Status status_of(const RegionState& state, const RunFacts& facts);

/// What was announced to a tenant last. Nothing: there is no such tenant.
std::optional<TopologyAnnouncement> announced_to(const RegionState& state, int tenant);

/// As clients get it.
v1::Topology topology_message(const TopologyAnnouncement& announcement, std::int64_t run,
                              bool observes);

}  // namespace mixnet
