// Who may call what: callers, their roles, and the table of methods.
//
// A certificate of our CA says its role by URIs among its subject alternative names:
//
//   mixnet:viewer        Get, Watch, Plan
//   mixnet:trainer/17    also Report and Mark, for tenant 17 alone, and for parts of servers that
//                        tenant 17 has
//   mixnet:operator      everything
//
// Of several the strongest role counts; several trainers together may speak for each of their
// tenants. What is not understood ("mixnet:oprator", tenant 0) gives nothing. The common name is
// for people: it decides nothing. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "region/region_state.h"

namespace mixnet {

/// Each may what those before it may.
enum class Role { kNone, kViewer, kTrainer, kOperator };
template <>
struct Names<Role> {
  static constexpr std::string_view kWhat = "role";
  static constexpr NamedValue<Role> kTable[] = {{"nobody", Role::kNone},
                                                {"viewer", Role::kViewer},
                                                {"trainer", Role::kTrainer},
                                                {"operator", Role::kOperator}};
};

struct Caller {
  Role role = Role::kNone;
  std::vector<int> tenants;  ///< of a trainer; sorted
  /// For people and for limits: `trainer/17 "job-17" 10.0.0.5`. One line, of bounded length.
  std::string who;

  bool speaks_for(int tenant) const;
};

Caller caller_of_certificate(std::span<const std::string> uris, std::string_view common_name,
                             std::string_view address);
/// Who calls without TLS.
Caller local_caller(std::string_view address);

/// Methods of mixnet.v1.Region, in the order of region.proto.
enum class Method {
  kGetRegion,
  kGetStatus,
  kGetTopology,
  kWatchTopology,
  kWatchHappenings,
  kGetAlarms,
  kGetAudit,
  kPlan,
  kGetBugReport,
  kReportDemand,
  kMarkPhase,
  kReportHealth,
  kReportActivation,
  kAddTenant,
  kRemoveTenant,
  kDrainServer,
  kPinCircuit,
  kHoldSwitch
};
struct MethodRule {
  Method method;
  std::string_view name;
  Role least;
  int cost;  ///< tokens of rate_limit.h
};
std::span<const MethodRule> method_rules();
const MethodRule& rule_of(Method method);

// Why not, for the caller and the audit trail; empty: it may.
std::string refuse_method(const Caller& caller, Method method);
/// Of Report and Mark, once the method is allowed.
std::string refuse_tenant(const Caller& caller, int tenant);
/// Of health and activation: whose is it? A part that does not exist is nobody's. Goes behind the
/// part's name.
std::string refuse_part(const Caller& caller, Part part, int index, const RegionConfig& config,
                        std::span<const int> owner_of_server);

/// Printable ASCII, no quotes, at most 64 characters.
std::string printable(std::string_view text);

}  // namespace mixnet
