#include "service/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace mixnet {
namespace {

constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostTenants = 64;  // of one certificate
constexpr std::string_view kTrainer = "mixnet:trainer/";

// What an honest program does often costs little; what takes time or disk costs more.
constexpr MethodRule kRules[] = {
    {Method::kGetRegion, "GetRegion", Role::kViewer, 1},
    {Method::kGetStatus, "GetStatus", Role::kViewer, 2},
    {Method::kGetTopology, "GetTopology", Role::kViewer, 1},
    {Method::kWatchTopology, "WatchTopology", Role::kViewer, 10},
    {Method::kWatchHappenings, "WatchHappenings", Role::kViewer, 10},
    {Method::kGetAlarms, "GetAlarms", Role::kViewer, 10},
    {Method::kGetAudit, "GetAudit", Role::kViewer, 50},
    {Method::kPlan, "Plan", Role::kViewer, 100},
    {Method::kGetBugReport, "GetBugReport", Role::kOperator, 100},
    {Method::kReportDemand, "ReportDemand", Role::kTrainer, 1},
    {Method::kMarkPhase, "MarkPhase", Role::kTrainer, 1},
    {Method::kReportHealth, "ReportHealth", Role::kTrainer, 5},
    {Method::kReportActivation, "ReportActivation", Role::kTrainer, 5},
    {Method::kAddTenant, "AddTenant", Role::kOperator, 5},
    {Method::kRemoveTenant, "RemoveTenant", Role::kOperator, 5},
    {Method::kDrainServer, "DrainServer", Role::kOperator, 5},
    {Method::kPinCircuit, "PinCircuit", Role::kOperator, 5},
    {Method::kHoldSwitch, "HoldSwitch", Role::kOperator, 5},
};

/// 0: none.
int tenant_of(std::string_view text) {
  int tenant = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tenant);
  const bool is_plain = !text.empty() && text.front() != '0';
  return error == std::errc() && end == text.data() + text.size() && is_plain && tenant > 0 ? tenant
                                                                                            : 0;
}

std::string shown_role(const Caller& caller) {
  if (caller.role != Role::kTrainer) return std::string(to_string(caller.role));
  constexpr std::size_t kMostShown = 4;
  const std::size_t shown = std::min(caller.tenants.size(), kMostShown);
  return fmt::format("trainer/{}{}",
                     fmt::join(caller.tenants.begin(), caller.tenants.begin() + shown, "+"),
                     shown < caller.tenants.size() ? "+.." : "");
}

/// -1: there is no such part.
int server_of(Part part, int index, const RegionConfig& config) {
  const auto within = [&](int nics) {
    return nics > 0 && index >= 0 && index / nics < config.servers ? index / nics : -1;
  };
  switch (part) {
    case Part::kOcsPort:
    case Part::kOpticalNic:
      return within(config.optical_nics);
    case Part::kEpsNic:
      return within(config.eps_nics);
    case Part::kServer:
      return within(1);
  }
  return -1;
}

}  // namespace

bool Caller::speaks_for(int tenant) const {
  return role == Role::kOperator || std::ranges::binary_search(tenants, tenant);
}

std::string printable(std::string_view text) {
  std::string plain(text.substr(0, kMostName));
  for (char& c : plain) {
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') c = '?';
  }
  return plain;
}

Caller caller_of_certificate(std::span<const std::string> uris, std::string_view common_name,
                             std::string_view address) {
  Caller caller;
  for (const std::string& uri : uris) {
    Role role = Role::kNone;
    if (uri == "mixnet:viewer") role = Role::kViewer;
    if (uri == "mixnet:operator") role = Role::kOperator;
    if (uri.starts_with(kTrainer) && caller.tenants.size() < kMostTenants) {
      const int tenant = tenant_of(std::string_view(uri).substr(kTrainer.size()));
      if (tenant == 0) continue;
      caller.tenants.push_back(tenant);
      role = Role::kTrainer;
    }
    caller.role = std::max(caller.role, role);
  }
  std::ranges::sort(caller.tenants);
  caller.tenants.erase(std::unique(caller.tenants.begin(), caller.tenants.end()),
                       caller.tenants.end());
  caller.who =
      fmt::format("{} \"{}\" {}", shown_role(caller), printable(common_name), printable(address));
  return caller;
}

Caller local_caller(std::string_view address) {
  return {Role::kOperator, {}, fmt::format("operator without TLS {}", printable(address))};
}

std::span<const MethodRule> method_rules() { return kRules; }

const MethodRule& rule_of(Method method) { return kRules[static_cast<std::size_t>(method)]; }

std::string refuse_method(const Caller& caller, Method method) {
  const MethodRule& rule = rule_of(method);
  if (caller.role >= rule.least) return {};
  if (caller.role == Role::kNone) {
    return fmt::format("needs the role {}; the certificate names none", to_string(rule.least));
  }
  return fmt::format("needs the role {}; this is a {}", to_string(rule.least),
                     to_string(caller.role));
}

std::string refuse_tenant(const Caller& caller, int tenant) {
  if (caller.speaks_for(tenant)) return {};
  return fmt::format("the certificate does not speak for tenant {}", tenant);
}

std::string refuse_part(const Caller& caller, Part part, int index, const RegionConfig& config,
                        std::span<const int> owner_of_server) {
  if (caller.role == Role::kOperator) return {};
  const int server = server_of(part, index, config);
  if (server < 0 || server >= static_cast<int>(owner_of_server.size())) {
    return "does not exist";
  }
  const int owner = owner_of_server[server];
  if (owner > 0 && caller.speaks_for(owner)) return {};
  return "is not of a tenant that the certificate speaks for";
}

}  // namespace mixnet
