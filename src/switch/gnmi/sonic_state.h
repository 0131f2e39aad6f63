// The cross-connects of a SONiC switch as its two databases have them, and what is to be sent for a
// change of them. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gnmi.pb.h"
#include "gnmi/sonic_tables.h"
#include "ocs/change_plan.h"

namespace mixnet {

struct SonicCrossConnect {
  std::string key;          ///< as the device writes it
  bool configured = false;  ///< in CONFIG_DB
  bool stated = false;      ///< in STATE_DB
  bool tuned = false;       ///< both sides
  bool tuning = false;      ///< a side is on its way
  bool stands() const { return configured && tuned; }
};

struct SonicState {
  std::map<Patch, SonicCrossConnect> entries;
  bool has_table = true;  ///< CONFIG_DB has the table

  /// Of the tables; none: the device has no such table. Throws Error for an entry of ports that the
  /// device lacks.
  static SonicState decode(const std::optional<gnmi::GetResponse>& config,
                           const std::optional<gnmi::GetResponse>& state,
                           std::string_view state_table, const SonicPorts& ports);

  std::vector<Patch> standing() const;
  /// What holds its ports, as plan_change() is to see it: all that is configured or still in
  /// STATE_DB. Not what is configured but lost among `wanted`, so that it is asked for again.
  std::vector<Patch> holding(const std::vector<Patch>& wanted) const;
  /// `wanted` is as asked where it stands, all others where nothing is left of them.
  std::vector<Patch> judged(const std::vector<Patch>& wanted) const;
  /// Something of `wanted` is configured and on its way, or of `gone` is left.
  bool is_moving(const std::vector<Patch>& wanted, const std::vector<Patch>& gone) const;

  gnmi::SetRequest set_request(const ChangePlan& plan, const SonicPorts& ports,
                               const std::string& target) const;
};

}  // namespace mixnet
