#include "service/event_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "service/happening_text.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostListed = 64;  // servers in the audit trail

std::string text_of(const HealthReport& report, const DaemonSettings& settings) {
  const auto part = [&]() -> std::string {
    switch (report.part) {
      case Part::kOcsPort:
        return fmt::format("the switch's port of {}", port_text(report.index, settings));
      case Part::kOpticalNic:
        return port_text(report.index, settings);
      case Part::kEpsNic:
        return fmt::format("EPS NIC {}", report.index);
      case Part::kServer:
        return server_text(report.index, settings);
    }
    return "part";
  };
  return fmt::format("ReportHealth: {} {}", part(), report.failed ? "failed" : "works");
}

std::string text_of(const TenantAdd& add, const DaemonSettings& settings) {
  const std::size_t listed = std::min(add.servers.size(), kMostListed);
  std::string text = fmt::format("AddTenant {} on", add.tenant);
  for (std::size_t k = 0; k < listed; ++k) {
    fmt::format_to(std::back_inserter(text), " {}", server_text(add.servers[k], settings));
  }
  if (listed < add.servers.size()) {
    text += fmt::format(" and {} more", add.servers.size() - listed);
  }
  return text;
}

}  // namespace

EventRequest read_request(const v1::DemandReport& wire) {
  return {from_wire(wire), wire.tenant(), {}};
}

EventRequest read_request(const v1::PhaseMark& wire) {
  return {from_wire(wire), wire.tenant(), {}};
}

EventRequest read_request(const v1::HealthReport& wire) {
  const HealthReport report = from_wire(wire);
  return {report, {}, {{report.part, report.index}}};
}

EventRequest read_request(const v1::TenantAdd& wire) { return {from_wire(wire), {}, {}}; }
EventRequest read_request(const v1::TenantRemove& wire) { return {from_wire(wire), {}, {}}; }
EventRequest read_request(const v1::ServerDrain& wire) { return {from_wire(wire), {}, {}}; }
EventRequest read_request(const v1::CircuitPin& wire) { return {from_wire(wire), {}, {}}; }
EventRequest read_request(const v1::SwitchHold& wire) { return {from_wire(wire), {}, {}}; }

std::string audit_text(const Event& event, const DaemonSettings& settings) {
  if (const auto* health = std::get_if<HealthReport>(&event)) return text_of(*health, settings);
  if (const auto* add = std::get_if<TenantAdd>(&event)) return text_of(*add, settings);
  if (const auto* remove = std::get_if<TenantRemove>(&event)) {
    return fmt::format("RemoveTenant {}", remove->tenant);
  }
  if (const auto* drain = std::get_if<ServerDrain>(&event)) {
    return fmt::format("DrainServer {}{}", server_text(drain->server, settings),
                       drain->drained ? "" : ": back to work");
  }
  if (const auto* pin = std::get_if<CircuitPin>(&event)) {
    return fmt::format("PinCircuit {} - {}{}", port_text(pin->ports.a, settings),
                       port_text(pin->ports.b, settings), pin->pinned ? "" : ": no longer");
  }
  if (const auto* hold = std::get_if<SwitchHold>(&event)) {
    return hold->held ? "HoldSwitch" : "HoldSwitch: no longer";
  }
  return "";
}

}  // namespace mixnet
