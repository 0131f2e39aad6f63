#include <fmt/format.h>

#include <limits>

#include "base/error.h"
#include "wire/region_wire.h"
#include "wire/wire_reader.h"

namespace mixnet {
namespace {

void put_lit(const std::vector<PortPair>& lit,
             google::protobuf::RepeatedPtrField<v1::PortPair>& wire) {
  wire.Reserve(static_cast<int>(lit.size()));
  for (const PortPair& pair : lit) {
    v1::PortPair& said = *wire.Add();
    said.set_a(pair.a);
    said.set_b(pair.b);
  }
}

/// Puts an event where it belongs in a Record.
struct Put {
  v1::Record& record;

  void operator()(const DemandReport& event) const { *record.mutable_demand() = to_wire(event); }
  void operator()(const PhaseMark& event) const { *record.mutable_mark() = to_wire(event); }
  void operator()(const HealthReport& event) const { *record.mutable_health() = to_wire(event); }
  void operator()(const DeviceAnswer& event) const {
    v1::DeviceAnswer& answer = *record.mutable_answer();
    answer.set_id(event.id);
    answer.set_ok(event.ok);
    if (event.denied_port >= 0 && event.denied_port < std::numeric_limits<int>::max()) {
      answer.set_denied_port(event.denied_port + 1);
    }
    answer.set_has_lit(event.has_lit);
    put_lit(event.lit, *answer.mutable_lit());
  }
  void operator()(const DeviceState& event) const {
    v1::DeviceState& state = *record.mutable_state();
    state.set_id(event.id);
    put_lit(event.lit, *state.mutable_lit());
  }
  void operator()(const TenantAdd& event) const { *record.mutable_tenant_add() = to_wire(event); }
  void operator()(const TenantRemove& event) const {
    *record.mutable_tenant_remove() = to_wire(event);
  }
  void operator()(const Tick& /*event*/) const { record.mutable_tick(); }
  void operator()(const ServerDrain& event) const { *record.mutable_drain() = to_wire(event); }
  void operator()(const CircuitPin& event) const { *record.mutable_pin() = to_wire(event); }
  void operator()(const SwitchHold& event) const { *record.mutable_hold() = to_wire(event); }
};

Event event_of(const v1::Record& record, const WireReader& reader) {
  switch (record.event_case()) {
    case v1::Record::kDemand:
      return reader.read(record.demand());
    case v1::Record::kMark:
      return reader.read(record.mark());
    case v1::Record::kHealth:
      return reader.read(record.health());
    case v1::Record::kAnswer:
      return reader.read(record.answer());
    case v1::Record::kState:
      return reader.read(record.state());
    case v1::Record::kTenantAdd:
      return reader.read(record.tenant_add());
    case v1::Record::kTenantRemove:
      return reader.read(record.tenant_remove());
    case v1::Record::kTick:
      return Tick{};
    case v1::Record::kDrain:
      return reader.read(record.drain());
    case v1::Record::kPin:
      return reader.read(record.pin());
    case v1::Record::kHold:
      return reader.read(record.hold());
    case v1::Record::EVENT_NOT_SET:
      break;
  }
  reader.fail("Record.event", "holds no event that is known",
              "a record of this mixnetd, or of an older one");
}

}  // namespace

std::string encode_record(const RecordedEvent& record) {
  v1::Record wire;
  wire.set_version(kRecordVersion);
  wire.set_now_ns(record.now.ns);
  wire.set_resumed(record.resumed);
  std::visit(Put{wire}, record.event);
  return wire.SerializeAsString();
}

RecordedEvent decode_record(std::string_view bytes, std::string_view input) {
  const WireReader reader(input);
  v1::Record wire;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    reader.fail("Record", fmt::format("its {} bytes are not a record", bytes.size()),
                "the bytes of a mixnet.v1.Record, whole");
  }
  if (wire.version() < 1 || wire.version() > kRecordVersion) {
    reader.fail("Record.version", fmt::format("{} cannot be read", wire.version()),
                fmt::format("1 to {}; a newer mixnetd may have written it", kRecordVersion));
  }
  return {Instant{wire.now_ns()}, wire.resumed(), event_of(wire, reader)};
}

}  // namespace mixnet
