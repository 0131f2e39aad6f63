#include "wire/region_wire.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

DemandReport demand_of_two() {
  DemandReport report{3, {7, 2, 1, true}, ServerDemand(2, 2), {}};
  report.bytes(0, 1) = kMostCellBytes;
  report.bytes(1, 0) = 5;
  report.outlook = {Duration{1}, Duration{2}, Duration{3}, true};
  return report;
}

/// What becomes of an event that is stored and read again.
template <typename Kind>
Kind stored(const Kind& event) {
  const RecordedEvent read = decode_record(encode_record({Instant{-5}, true, event}), "store");
  EXPECT_EQ(read.now, Instant{-5});
  EXPECT_TRUE(read.resumed);
  return std::get<Kind>(read.event);
}

TEST(RegionWire, ADemandIsStoredWhole) {
  const DemandReport read = stored(demand_of_two());
  EXPECT_EQ(read.tenant, 3);
  EXPECT_EQ(read.phase, demand_of_two().phase);
  EXPECT_EQ(read.bytes, demand_of_two().bytes);
  EXPECT_EQ(read.outlook, demand_of_two().outlook);
}

TEST(RegionWire, EachKindOfEventIsStoredWhole) {
  const PhaseMark mark = stored(PhaseMark{1, kMostSequence, true});
  EXPECT_TRUE(mark.tenant == 1 && mark.sequence == kMostSequence && mark.begins);
  for (const Part part : {Part::kOcsPort, Part::kOpticalNic, Part::kEpsNic, Part::kServer}) {
    const HealthReport health = stored(HealthReport{part, 9, true, ~std::uint64_t{0}});
    EXPECT_EQ(health.part, part);
    EXPECT_TRUE(health.index == 9 && health.failed && health.stamp == ~std::uint64_t{0});
  }
  const TenantAdd add = stored(TenantAdd{2, {5, 0, 3}});
  EXPECT_EQ(add.tenant, 2);
  EXPECT_THAT(add.servers, ElementsAre(5, 0, 3));
  EXPECT_EQ(stored(TenantRemove{4}).tenant, 4);
  stored(Tick{});
  const ServerDrain drain = stored(ServerDrain{6, true});
  EXPECT_TRUE(drain.server == 6 && drain.drained);
  const CircuitPin pin = stored(CircuitPin{{1, 17}, true});
  EXPECT_TRUE((pin.ports == PortPair{1, 17}) && pin.pinned);
  EXPECT_TRUE(stored(SwitchHold{true}).held);
}

// The controller drops a device's nonsense; a replay must see the same nonsense.
TEST(RegionWire, WhatADeviceSaidIsStoredAsItWas) {
  const std::vector<PortPair> odd = {{5, 2}, {-1, 1 << 30}, {2, 2}};
  for (const int port : {-1, 0, 262143}) {
    const DeviceAnswer answer = stored(DeviceAnswer{8, true, port, true, odd});
    EXPECT_EQ(answer.denied_port, port);
    EXPECT_TRUE(answer.id == 8 && answer.ok && answer.has_lit);
    EXPECT_EQ(answer.lit, odd);
  }
  const DeviceState state = stored(DeviceState{9, odd});
  EXPECT_EQ(state.id, 9u);
  EXPECT_EQ(state.lit, odd);
}

TEST(RegionWire, ARecordThatCannotBeReadSaysWhichAndWhy) {
  const auto refused = [](const v1::Record& record) {
    return error_of([&] { decode_record(record.SerializeAsString(), "region.db record 5"); });
  };
  v1::Record record;
  record.mutable_tick();
  EXPECT_EQ(refused(record),
            "region.db record 5: Record.version: 0 cannot be read; 1 to 1; a "
            "newer mixnetd may have written it");
  record.set_version(kRecordVersion + 1);
  EXPECT_THAT(refused(record), HasSubstr("Record.version: 2 cannot be read"));
  record.set_version(kRecordVersion);
  EXPECT_EQ(refused(record), "no error");
  record.mutable_mark()->set_tenant(-1);
  EXPECT_THAT(refused(record), StartsWith("region.db record 5: PhaseMark.tenant: -1 is out of"));
  record.clear_event();
  EXPECT_THAT(refused(record), HasSubstr("Record.event: holds no event that is known"));

  const std::string bytes = encode_record({Instant{}, false, demand_of_two()});
  EXPECT_THAT(error_of([&] { decode_record(bytes.substr(0, bytes.size() - 1), "x"); }),
              HasSubstr("x: Record: its"));
}

// Field 99 of a Record, as a newer peer may add it: a varint, then the text "new".
TEST(RegionWire, WhatANewerPeerAddsIsSkipped) {
  const std::string bytes =
      encode_record({Instant{1}, false, SwitchHold{true}}) + "\x98\x06\x01\xa2\x06\x03new";
  EXPECT_TRUE(std::get<SwitchHold>(decode_record(bytes, "x").event).held);
}

TEST(RegionWire, ADemandMustBeSquareAndInRange) {
  const auto refused = [](const std::function<void(v1::DemandReport&)>& spoil) {
    v1::DemandReport wire = to_wire(demand_of_two());
    spoil(wire);
    return error_of([&] { from_wire(wire); });
  };
  EXPECT_EQ(refused([](auto&) {}), "no error");
  EXPECT_EQ(refused([](auto& wire) { wire.set_servers(3); }),
            "DemandReport.bytes: has 4 numbers for 3 servers; 9: from each to each, row by row");
  EXPECT_EQ(refused([](auto& wire) { wire.set_servers(4097); }),
            "DemandReport.servers: 4097 is out of range; 1 to 4096");
  EXPECT_THAT(refused([](auto& wire) { wire.set_servers(-2); }),
              StartsWith("DemandReport.servers"));
  EXPECT_THAT(refused([](auto& wire) { wire.set_servers(0); }), StartsWith("DemandReport.servers"));
  EXPECT_EQ(refused([](auto& wire) { wire.set_bytes(2, -1); }),
            "DemandReport.bytes: -1 is out of range; 0 to 9007199254740992");
  EXPECT_THAT(refused([](auto& wire) { wire.set_bytes(0, kMostCellBytes + 1); }),
              StartsWith("DemandReport.bytes: 9007199254740993"));
  EXPECT_THAT(refused([](auto& wire) { wire.set_tenant(0); }), StartsWith("DemandReport.tenant"));
  EXPECT_THAT(refused([](auto& wire) { wire.clear_phase(); }),
              StartsWith("DemandReport.phase.sequence: 0"));
  EXPECT_THAT(refused([](auto& wire) { wire.mutable_phase()->set_sequence(kMostSequence + 1); }),
              StartsWith("DemandReport.phase.sequence"));
  EXPECT_THAT(refused([](auto& wire) { wire.mutable_outlook()->set_after_ns(-1); }),
              StartsWith("DemandReport.outlook.after_ns"));
}

template <typename Wire>
std::string refusal(const std::function<void(Wire&)>& fill) {
  Wire wire;
  fill(wire);
  return error_of([&] { from_wire(wire); });
}

TEST(RegionWire, ARequestOutOfRangeIsRefusedByItsField) {
  EXPECT_EQ(refusal<v1::HealthReport>([](auto& wire) { wire.set_index(1); }),
            "HealthReport.part: 0 is none that is known; 1: OCS port, 2: optical NIC, 3: EPS NIC, "
            "4: server");
  EXPECT_THAT(refusal<v1::HealthReport>([](auto& wire) {
                wire.set_part(v1::PART_SERVER);
                wire.set_index(-1);
              }),
              StartsWith("HealthReport.index"));
  EXPECT_THAT(refusal<v1::TenantAdd>([](auto& wire) { wire.set_tenant(1); }),
              StartsWith("TenantAdd.servers: is empty"));
  EXPECT_THAT(refusal<v1::TenantAdd>([](auto& wire) {
                wire.set_tenant(1);
                wire.mutable_servers()->Resize(4097, 0);
              }),
              StartsWith("TenantAdd.servers: has 4097 servers"));
  EXPECT_THAT(refusal<v1::TenantAdd>([](auto& wire) {
                wire.set_tenant(1);
                wire.add_servers(4096);
              }),
              StartsWith("TenantAdd.servers: 4096"));
  EXPECT_THAT(refusal<v1::TenantRemove>([](auto&) {}), StartsWith("TenantRemove.tenant: 0"));
  EXPECT_THAT(refusal<v1::ServerDrain>([](auto& wire) { wire.set_server(4096); }),
              StartsWith("ServerDrain.server"));
  EXPECT_THAT(refusal<v1::CircuitPin>([](auto&) {}),
              StartsWith("CircuitPin.ports: joins port 0 with itself"));
  EXPECT_THAT(refusal<v1::CircuitPin>([](auto& wire) { wire.mutable_ports()->set_b(4096 * 64); }),
              StartsWith("CircuitPin.ports.b"));
  EXPECT_EQ(refusal<v1::SwitchHold>([](auto&) {}), "no error");
}

TEST(RegionWire, APinIsTheSameFromEitherEnd) {
  v1::CircuitPin wire;
  wire.mutable_ports()->set_a(17);
  wire.mutable_ports()->set_b(1);
  EXPECT_EQ(from_wire(wire).ports, (PortPair{1, 17}));
}

TEST(RegionWire, AnAnnouncementIsReadAsItWasSaid) {
  const TopologyAnnouncement said = {
      .tenant = 1,
      .epoch = 12,
      .served = {3, 1, 2, false},
      .closed = true,
      .circuits = {{0, 1, 5, 2}, {1, 0, 2, 63}},
      .relays = {{0, 3, {1, 2}}, {1, 4, {}}},
      .cut = {{2, 6}},
  };
  EXPECT_EQ(from_wire(to_wire(said)), said);
  EXPECT_EQ(from_wire(v1::Topology()), TopologyAnnouncement());
}

TEST(RegionWire, AnAnnouncementOutOfRangeIsRefused) {
  const auto refused = [](const std::function<void(v1::Circuit&)>& spoil) {
    TopologyAnnouncement said;
    said.circuits = {{0, 1, 5, 2}};
    v1::Topology wire = to_wire(said);
    spoil(*wire.mutable_circuits(0));
    return error_of([&] { from_wire(wire); });
  };
  EXPECT_THAT(refused([](auto& circuit) { circuit.set_server_a(-1); }),
              StartsWith("Topology.circuits.server_a"));
  EXPECT_THAT(refused([](auto& circuit) { circuit.set_server_b(0); }),
              StartsWith("Topology.circuits.server_b: 0 is out of range; 1 to 4095"));
  EXPECT_THAT(refused([](auto& circuit) { circuit.set_nic_b(64); }),
              StartsWith("Topology.circuits.nic_b"));
  EXPECT_THAT(refusal<v1::Topology>([](auto& wire) { wire.add_relays()->add_via(-1); }),
              StartsWith("Topology.relays.via"));
  EXPECT_THAT(refusal<v1::Topology>([](auto& wire) { wire.add_cut()->set_b(4096); }),
              StartsWith("Topology.cut.b"));
}

TEST(RegionWire, AnAlarmSaysItsCodeInWords) {
  const v1::Alarm wire = to_wire(Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 2, 17});
  EXPECT_EQ(wire.severity(), v1::SEVERITY_MAJOR);
  EXPECT_EQ(wire.code(), "port-suspect");
  EXPECT_EQ(wire.tenant(), 2);
  EXPECT_EQ(wire.subject(), 17);
}

}  // namespace
}  // namespace mixnet
