// What region_wire.cc reads requests with, and record_wire.cc records: the same checks, and a place
// before the field that an Error names.
//
// Pure functions.
#pragma once

#include <string_view>

#include "region.pb.h"
#include "region/region_messages.h"

namespace mixnet {

class WireReader {
 public:
  /// `input`: before the field's name in Errors; empty: nothing.
  explicit WireReader(std::string_view input) : input_(input) {}

  DemandReport read(const v1::DemandReport& wire) const;
  PhaseMark read(const v1::PhaseMark& wire) const;
  HealthReport read(const v1::HealthReport& wire) const;
  TenantAdd read(const v1::TenantAdd& wire) const;
  TenantRemove read(const v1::TenantRemove& wire) const;
  ServerDrain read(const v1::ServerDrain& wire) const;
  CircuitPin read(const v1::CircuitPin& wire) const;
  SwitchHold read(const v1::SwitchHold& wire) const;
  TopologyAnnouncement read(const v1::Topology& wire) const;
  DeviceAnswer read(const v1::DeviceAnswer& wire) const;
  DeviceState read(const v1::DeviceState& wire) const;

  [[noreturn]] void fail(std::string_view field, std::string_view problem,
                         std::string_view remedy = {}) const;

 private:
  template <typename Number>
  Number in(Number value, Number least, Number most, std::string_view field) const;
  int tenant(int number, std::string_view field) const;
  int server(int number, std::string_view field) const;
  Duration span(std::int64_t ns, std::string_view field) const;
  PhaseId phase(const v1::PhaseId& wire, std::uint64_t least, std::string_view field) const;
  std::vector<PortPair> lit(const google::protobuf::RepeatedPtrField<v1::PortPair>& wire,
                            std::string_view field) const;

  std::string_view input_;
};

}  // namespace mixnet
