// The region's messages (region/region_messages.h) as bytes, and back: what the daemon's API, its
// store, its clients and a replay share. region.proto says what each field means.
//
// Reading is strict about what would be misread, and tolerant of what a newer peer adds: an unknown
// field is skipped; a number out of range, a demand that is not square, a missing event throw Error
// that names the field. What only the controller can judge (a tenant that does not exist) passes.
// So does what a device said, whose nonsense the controller drops, in a replay as it did then.
//
// Pure functions. Cost: linear in the message; a demand of 64 servers about 20 us either way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "region.pb.h"
#include "region/region_messages.h"

namespace mixnet {

inline constexpr std::uint32_t kRecordVersion = 1;

/// An event as the controller heard it.
struct RecordedEvent {
  Instant now;
  bool resumed = false;  ///< region_clock.h, resume() came before it
  Event event;
};

/// Bytes of a v1::Record. An event that no request can be (a tenant of -1) is not read again.
std::string encode_record(const RecordedEvent& record);
/// `input` names the store and the record. Throws Error, also for a version that is newer.
RecordedEvent decode_record(std::string_view bytes, std::string_view input);

// Requests -> events. All throw Error, whose place is the field ("DemandReport.bytes").
DemandReport from_wire(const v1::DemandReport& wire);
PhaseMark from_wire(const v1::PhaseMark& wire);
HealthReport from_wire(const v1::HealthReport& wire);
TenantAdd from_wire(const v1::TenantAdd& wire);
TenantRemove from_wire(const v1::TenantRemove& wire);
ServerDrain from_wire(const v1::ServerDrain& wire);
CircuitPin from_wire(const v1::CircuitPin& wire);
SwitchHold from_wire(const v1::SwitchHold& wire);
/// Throws Error: what a client makes of an announcement.
TopologyAnnouncement from_wire(const v1::Topology& wire);

v1::DemandReport to_wire(const DemandReport& report);
v1::PhaseMark to_wire(const PhaseMark& mark);
v1::HealthReport to_wire(const HealthReport& report);
v1::TenantAdd to_wire(const TenantAdd& add);
v1::TenantRemove to_wire(const TenantRemove& remove);
v1::ServerDrain to_wire(const ServerDrain& drain);
v1::CircuitPin to_wire(const CircuitPin& pin);
v1::SwitchHold to_wire(const SwitchHold& hold);
/// Without `run` and `observes`, which the daemon adds.
v1::Topology to_wire(const TopologyAnnouncement& announcement);
v1::Alarm to_wire(const Alarm& alarm);
v1::PhaseId to_wire(const PhaseId& phase);

}  // namespace mixnet
