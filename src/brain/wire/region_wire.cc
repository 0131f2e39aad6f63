#include "wire/region_wire.h"

#include "wire/wire_reader.h"

namespace mixnet {
namespace {

const WireReader kReader({});

v1::Severity to_wire(Severity severity) {
  switch (severity) {
    case Severity::kEvent:
      return v1::SEVERITY_EVENT;
    case Severity::kMinor:
      return v1::SEVERITY_MINOR;
    case Severity::kMajor:
      return v1::SEVERITY_MAJOR;
    case Severity::kCritical:
      return v1::SEVERITY_CRITICAL;
  }
  return v1::SEVERITY_EVENT;
}

v1::Part to_wire(Part part) {
  switch (part) {
    case Part::kOcsPort:
      return v1::PART_OCS_PORT;
    case Part::kOpticalNic:
      return v1::PART_OPTICAL_NIC;
    case Part::kEpsNic:
      return v1::PART_EPS_NIC;
    case Part::kServer:
      return v1::PART_SERVER;
  }
  return v1::PART_UNSPECIFIED;
}

v1::PortPair to_wire(const PortPair& pair) {
  v1::PortPair wire;
  wire.set_a(pair.a);
  wire.set_b(pair.b);
  return wire;
}

}  // namespace

DemandReport from_wire(const v1::DemandReport& wire) { return kReader.read(wire); }
PhaseMark from_wire(const v1::PhaseMark& wire) { return kReader.read(wire); }
HealthReport from_wire(const v1::HealthReport& wire) { return kReader.read(wire); }
TenantAdd from_wire(const v1::TenantAdd& wire) { return kReader.read(wire); }
TenantRemove from_wire(const v1::TenantRemove& wire) { return kReader.read(wire); }
ServerDrain from_wire(const v1::ServerDrain& wire) { return kReader.read(wire); }
CircuitPin from_wire(const v1::CircuitPin& wire) { return kReader.read(wire); }
SwitchHold from_wire(const v1::SwitchHold& wire) { return kReader.read(wire); }
TopologyAnnouncement from_wire(const v1::Topology& wire) { return kReader.read(wire); }

v1::DemandReport to_wire(const DemandReport& report) {
  v1::DemandReport wire;
  wire.set_tenant(report.tenant);
  *wire.mutable_phase() = to_wire(report.phase);
  wire.set_servers(static_cast<int>(report.bytes.rows()));
  const std::span<const std::int64_t> cells = report.bytes.cells();
  wire.mutable_bytes()->Add(cells.begin(), cells.end());
  if (report.outlook != PhaseOutlook{}) {
    v1::PhaseOutlook& outlook = *wire.mutable_outlook();
    outlook.set_before_ns(report.outlook.before.ns);
    outlook.set_after_ns(report.outlook.after.ns);
    outlook.set_inside_ns(report.outlook.inside.ns);
    outlook.set_expected(report.outlook.expected);
  }
  return wire;
}

v1::PhaseMark to_wire(const PhaseMark& mark) {
  v1::PhaseMark wire;
  wire.set_tenant(mark.tenant);
  wire.set_sequence(mark.sequence);
  wire.set_begins(mark.begins);
  return wire;
}

v1::HealthReport to_wire(const HealthReport& report) {
  v1::HealthReport wire;
  wire.set_part(to_wire(report.part));
  wire.set_index(report.index);
  wire.set_failed(report.failed);
  wire.set_stamp(report.stamp);
  return wire;
}

v1::TenantAdd to_wire(const TenantAdd& add) {
  v1::TenantAdd wire;
  wire.set_tenant(add.tenant);
  wire.mutable_servers()->Add(add.servers.begin(), add.servers.end());
  return wire;
}

v1::TenantRemove to_wire(const TenantRemove& remove) {
  v1::TenantRemove wire;
  wire.set_tenant(remove.tenant);
  return wire;
}

v1::ServerDrain to_wire(const ServerDrain& drain) {
  v1::ServerDrain wire;
  wire.set_server(drain.server);
  wire.set_drained(drain.drained);
  return wire;
}

v1::CircuitPin to_wire(const CircuitPin& pin) {
  v1::CircuitPin wire;
  *wire.mutable_ports() = to_wire(pin.ports);
  wire.set_pinned(pin.pinned);
  return wire;
}

v1::SwitchHold to_wire(const SwitchHold& hold) {
  v1::SwitchHold wire;
  wire.set_held(hold.held);
  return wire;
}

v1::Topology to_wire(const TopologyAnnouncement& announcement) {
  v1::Topology wire;
  wire.set_tenant(announcement.tenant);
  wire.set_epoch(announcement.epoch);
  *wire.mutable_served() = to_wire(announcement.served);
  wire.set_closed(announcement.closed);
  wire.mutable_circuits()->Reserve(static_cast<int>(announcement.circuits.size()));
  for (const Circuit& circuit : announcement.circuits) {
    v1::Circuit& said = *wire.add_circuits();
    said.set_server_a(circuit.server_a);
    said.set_nic_a(circuit.nic_a);
    said.set_server_b(circuit.server_b);
    said.set_nic_b(circuit.nic_b);
  }
  for (const Relay& relay : announcement.relays) {
    v1::Relay& said = *wire.add_relays();
    said.set_from(relay.from);
    said.set_to(relay.to);
    said.mutable_via()->Add(relay.via.begin(), relay.via.end());
  }
  for (const PortPair& pair : announcement.cut) *wire.add_cut() = to_wire(pair);
  return wire;
}

v1::Alarm to_wire(const Alarm& alarm) {
  v1::Alarm wire;
  wire.set_severity(to_wire(alarm.severity));
  wire.set_code(std::string(to_string(alarm.code)));
  wire.set_tenant(alarm.tenant);
  wire.set_subject(alarm.subject);
  return wire;
}

v1::PhaseId to_wire(const PhaseId& phase) {
  v1::PhaseId wire;
  wire.set_sequence(phase.sequence);
  wire.set_iteration(phase.iteration);
  wire.set_layer(phase.layer);
  wire.set_backward(phase.backward);
  return wire;
}

}  // namespace mixnet
