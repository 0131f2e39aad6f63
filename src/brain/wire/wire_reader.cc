#include "wire/wire_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "region/region_state.h"

namespace mixnet {
namespace {

constexpr int kMostPorts = RegionConfig::kMaxServers * RegionConfig::kMaxNics;
constexpr int kMostInt = std::numeric_limits<int>::max();

}  // namespace

void WireReader::fail(std::string_view field, std::string_view problem,
                      std::string_view remedy) const {
  if (input_.empty()) throw Error(field, problem, remedy);
  throw Error(fmt::format("{}: {}", input_, field), problem, remedy);
}

template <typename Number>
Number WireReader::in(Number value, Number least, Number most, std::string_view field) const {
  if (value < least || value > most) {
    fail(field, fmt::format("{} is out of range", value), fmt::format("{} to {}", least, most));
  }
  return value;
}

int WireReader::tenant(int number, std::string_view field) const {
  return in(number, 1, kMostInt, field);
}

int WireReader::server(int number, std::string_view field) const {
  return in(number, 0, RegionConfig::kMaxServers - 1, field);
}

Duration WireReader::span(std::int64_t ns, std::string_view field) const {
  return {in(ns, std::int64_t{0}, Duration::max().ns, field)};
}

PhaseId WireReader::phase(const v1::PhaseId& wire, std::uint64_t least,
                          std::string_view field) const {
  return {in(wire.sequence(), least, kMostSequence, field), wire.iteration(), wire.layer(),
          wire.backward()};
}

std::vector<PortPair> WireReader::lit(const google::protobuf::RepeatedPtrField<v1::PortPair>& wire,
                                      std::string_view field) const {
  in(wire.size(), 0, kMostPorts, field);
  std::vector<PortPair> pairs;
  pairs.reserve(wire.size());
  for (const v1::PortPair& pair : wire) pairs.push_back({pair.a(), pair.b()});
  return pairs;
}

DemandReport WireReader::read(const v1::DemandReport& wire) const {
  DemandReport report;
  report.tenant = tenant(wire.tenant(), "DemandReport.tenant");
  report.phase = phase(wire.phase(), 1, "DemandReport.phase.sequence");
  const int servers = in(wire.servers(), 1, RegionConfig::kMaxServers, "DemandReport.servers");
  if (wire.bytes_size() != servers * servers) {
    fail("DemandReport.bytes",
         fmt::format("has {} numbers for {} servers", wire.bytes_size(), servers),
         fmt::format("{}: from each to each, row by row", servers * servers));
  }
  const bool sound = std::ranges::all_of(
      wire.bytes(), [](std::int64_t bytes) { return bytes >= 0 && bytes <= kMostCellBytes; });
  if (!sound) {
    for (const std::int64_t bytes : wire.bytes()) {
      in(bytes, std::int64_t{0}, kMostCellBytes, "DemandReport.bytes");
    }
  }
  report.bytes = ServerDemand(servers, servers);
  std::ranges::copy(wire.bytes(), report.bytes.cells().begin());
  report.outlook = {span(wire.outlook().before_ns(), "DemandReport.outlook.before_ns"),
                    span(wire.outlook().after_ns(), "DemandReport.outlook.after_ns"),
                    span(wire.outlook().inside_ns(), "DemandReport.outlook.inside_ns"),
                    wire.outlook().expected()};
  return report;
}

PhaseMark WireReader::read(const v1::PhaseMark& wire) const {
  return {tenant(wire.tenant(), "PhaseMark.tenant"),
          in(wire.sequence(), std::uint64_t{1}, kMostSequence, "PhaseMark.sequence"),
          wire.begins()};
}

HealthReport WireReader::read(const v1::HealthReport& wire) const {
  Part part{};
  switch (wire.part()) {
    case v1::PART_OCS_PORT:
      part = Part::kOcsPort;
      break;
    case v1::PART_OPTICAL_NIC:
      part = Part::kOpticalNic;
      break;
    case v1::PART_EPS_NIC:
      part = Part::kEpsNic;
      break;
    case v1::PART_SERVER:
      part = Part::kServer;
      break;
    default:
      fail("HealthReport.part", fmt::format("{} is none that is known", +wire.part()),
           "1: OCS port, 2: optical NIC, 3: EPS NIC, 4: server");
  }
  return {part, in(wire.index(), 0, kMostPorts - 1, "HealthReport.index"), wire.failed(),
          wire.stamp()};
}

TenantAdd WireReader::read(const v1::TenantAdd& wire) const {
  TenantAdd add{tenant(wire.tenant(), "TenantAdd.tenant"), {}};
  if (wire.servers_size() == 0) fail("TenantAdd.servers", "is empty", "at least one server");
  if (wire.servers_size() > RegionConfig::kMaxServers) {
    fail("TenantAdd.servers", fmt::format("has {} servers", wire.servers_size()),
         fmt::format("at most {}", RegionConfig::kMaxServers));
  }
  add.servers.reserve(wire.servers_size());
  for (const int number : wire.servers()) {
    add.servers.push_back(server(number, "TenantAdd.servers"));
  }
  return add;
}

TenantRemove WireReader::read(const v1::TenantRemove& wire) const {
  return {tenant(wire.tenant(), "TenantRemove.tenant")};
}

ServerDrain WireReader::read(const v1::ServerDrain& wire) const {
  return {server(wire.server(), "ServerDrain.server"), wire.drained()};
}

CircuitPin WireReader::read(const v1::CircuitPin& wire) const {
  const int a = in(wire.ports().a(), 0, kMostPorts - 1, "CircuitPin.ports.a");
  const int b = in(wire.ports().b(), 0, kMostPorts - 1, "CircuitPin.ports.b");
  if (a == b) {
    fail("CircuitPin.ports", fmt::format("joins port {} with itself", a), "two ports, from 0");
  }
  return {{std::min(a, b), std::max(a, b)}, wire.pinned()};
}

SwitchHold WireReader::read(const v1::SwitchHold& wire) const { return {wire.held()}; }

TopologyAnnouncement WireReader::read(const v1::Topology& wire) const {
  TopologyAnnouncement said;
  said.tenant = in(wire.tenant(), 0, kMostInt, "Topology.tenant");
  said.epoch = wire.epoch();
  said.served = phase(wire.served(), 0, "Topology.served.sequence");
  said.closed = wire.closed();
  const auto nic = [this](int number, std::string_view field) {
    return in(number, 0, RegionConfig::kMaxNics - 1, field);
  };
  said.circuits.reserve(wire.circuits_size());
  for (const v1::Circuit& circuit : wire.circuits()) {
    const int a = server(circuit.server_a(), "Topology.circuits.server_a");
    const int b =
        in(circuit.server_b(), a + 1, RegionConfig::kMaxServers - 1, "Topology.circuits.server_b");
    said.circuits.push_back({a, nic(circuit.nic_a(), "Topology.circuits.nic_a"), b,
                             nic(circuit.nic_b(), "Topology.circuits.nic_b")});
  }
  for (const v1::Relay& relay : wire.relays()) {
    Relay path{
        server(relay.from(), "Topology.relays.from"), server(relay.to(), "Topology.relays.to"), {}};
    for (const int via : relay.via()) path.via.push_back(server(via, "Topology.relays.via"));
    said.relays.push_back(std::move(path));
  }
  for (const v1::PortPair& pair : wire.cut()) {
    const int a = server(pair.a(), "Topology.cut.a");
    said.cut.push_back({a, server(pair.b(), "Topology.cut.b")});
  }
  return said;
}

DeviceAnswer WireReader::read(const v1::DeviceAnswer& wire) const {
  return {wire.id(), wire.ok(), in(wire.denied_port(), 0, kMostInt, "DeviceAnswer.denied_port") - 1,
          wire.has_lit(), lit(wire.lit(), "DeviceAnswer.lit")};
}

DeviceState WireReader::read(const v1::DeviceState& wire) const {
  return {wire.id(), lit(wire.lit(), "DeviceState.lit")};
}

}  // namespace mixnet
