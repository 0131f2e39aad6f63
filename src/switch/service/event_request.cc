#include "service/event_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostListed = 64;  // servers in the audit trail

std::string_view name_of(Part part) {
  switch (part) {
    case Part::kOcsPort:
      return "OCS port";
    case Part::kOpticalNic:
      return "optical NIC of port";
    case Part::kEpsNic:
      return "EPS NIC";
    case Part::kServer:
      return "server";
  }
  return "part";
}

}  // namespace

EventRequest read_request(const v1::DemandReport& wire) {
  return {from_wire(wire), wire.tenant(), {}, {}};
}

EventRequest read_request(const v1::PhaseMark& wire) {
  return {from_wire(wire), wire.tenant(), {}, {}};
}

EventRequest read_request(const v1::HealthReport& wire) {
  const HealthReport report = from_wire(wire);
  return {report,
          {},
          {{report.part, report.index}},
          fmt::format("ReportHealth: {} {} {}", name_of(report.part), report.index,
                      report.failed ? "failed" : "works")};
}

EventRequest read_request(const v1::TenantAdd& wire) {
  TenantAdd add = from_wire(wire);
  const std::size_t listed = std::min(add.servers.size(), kMostListed);
  std::string what = fmt::format(
      "AddTenant {} on servers {}{}", add.tenant,
      fmt::join(add.servers.begin(), add.servers.begin() + static_cast<std::ptrdiff_t>(listed),
                ","),
      listed < add.servers.size() ? fmt::format(" and {} more", add.servers.size() - listed) : "");
  return {std::move(add), {}, {}, std::move(what)};
}

EventRequest read_request(const v1::TenantRemove& wire) {
  return {from_wire(wire), {}, {}, fmt::format("RemoveTenant {}", wire.tenant())};
}

EventRequest read_request(const v1::ServerDrain& wire) {
  return {from_wire(wire),
          {},
          {},
          fmt::format("DrainServer {}{}", wire.server(), wire.drained() ? "" : ": back to work")};
}

EventRequest read_request(const v1::CircuitPin& wire) {
  return {from_wire(wire),
          {},
          {},
          fmt::format("PinCircuit of ports {}-{}{}", wire.ports().a(), wire.ports().b(),
                      wire.pinned() ? "" : ": no longer")};
}

EventRequest read_request(const v1::SwitchHold& wire) {
  return {from_wire(wire), {}, {}, wire.held() ? "HoldSwitch" : "HoldSwitch: no longer"};
}

}  // namespace mixnet
