#include "service/event_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/region_words.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostListed = 64;  // servers in the audit trail

}  // namespace

EventRequest read_request(const v1::DemandReport& wire, const DaemonSettings& /*settings*/) {
  return {from_wire(wire), wire.tenant(), {}, {}};
}

EventRequest read_request(const v1::PhaseMark& wire, const DaemonSettings& /*settings*/) {
  return {from_wire(wire), wire.tenant(), {}, {}};
}

EventRequest read_request(const v1::HealthReport& wire, const DaemonSettings& settings) {
  const HealthReport report = from_wire(wire);
  return {report,
          {},
          {{report.part, report.index}},
          fmt::format("ReportHealth: {} {}", part_text(report.part, report.index, settings),
                      report.failed ? "failed" : "works")};
}

EventRequest read_request(const v1::TenantAdd& wire, const DaemonSettings& settings) {
  TenantAdd add = from_wire(wire);
  const std::size_t listed = std::min(add.servers.size(), kMostListed);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < listed; ++i) names.push_back(server_text(add.servers[i], settings));
  std::string what = fmt::format(
      "AddTenant {} on {}{}", add.tenant, fmt::join(names, ", "),
      listed < add.servers.size() ? fmt::format(" and {} more", add.servers.size() - listed) : "");
  return {std::move(add), {}, {}, std::move(what)};
}

EventRequest read_request(const v1::TenantRemove& wire, const DaemonSettings& /*settings*/) {
  return {from_wire(wire), {}, {}, fmt::format("RemoveTenant {}", wire.tenant())};
}

EventRequest read_request(const v1::ServerDrain& wire, const DaemonSettings& settings) {
  return {from_wire(wire),
          {},
          {},
          fmt::format("DrainServer {}{}", server_text(wire.server(), settings),
                      wire.drained() ? "" : ": back to work")};
}

EventRequest read_request(const v1::CircuitPin& wire, const DaemonSettings& settings) {
  return {from_wire(wire),
          {},
          {},
          fmt::format("PinCircuit {} to {}{}", port_text(wire.ports().a(), settings),
                      port_text(wire.ports().b(), settings), wire.pinned() ? "" : ": no longer")};
}

EventRequest read_request(const v1::SwitchHold& wire, const DaemonSettings& /*settings*/) {
  return {from_wire(wire), {}, {}, wire.held() ? "HoldSwitch" : "HoldSwitch: no longer"};
}

}  // namespace mixnet
