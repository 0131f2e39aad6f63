// Everything that helps to find a fault, as a text to attach to a message: version, host, settings,
// status, alarms, the end of the audit trail, the controller's whole state.
//
// NO SECRETS. Of the switch's address only what shown() shows; of certificates and keys the names
// of their files. Neither passwords nor contents of files of keys are in a DaemonSettings' other
// fields. Pure, but for host_facts().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/daemon_settings.h"
#include "region.pb.h"
#include "region/region_state.h"
#include "store/region_store.h"

namespace mixnet {

struct BugReportParts {
  std::string_view version;
  const DaemonSettings& settings;
  const RegionState& state;
  const v1::Status& status;
  std::string host;
  std::vector<v1::Happening> alarms;
  std::vector<AuditEntry> audit;
};
std::string bug_report(const BugReportParts& parts);

/// Kernel, machine, how long it is up, memory of this process: a few lines.
std::string host_facts(Env& env);

}  // namespace mixnet
