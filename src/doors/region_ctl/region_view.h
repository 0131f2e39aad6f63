// What the daemon's messages look like: as lines for people, as JSON for programs. Names of servers
// stand in both; JSON has the switch's positions as well.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "client/region_names.h"
#include "region.pb.h"

namespace mixnet::ctl {

using Json = nlohmann::ordered_json;

/// "3 circuits", "1 circuit".
std::string counted(std::int64_t count, std::string_view noun);
/// "2026-11-28T07:00:01.250Z"; "-" of 0.
std::string time_text(std::int64_t unix_ns);
/// "the pool", "tenant 3".
std::string tenant_text(int tenant);
/// "iteration 3, layer 2, backward"; "-" where there was none.
std::string phase_text(const v1::PhaseId& phase);
/// "gpu-0:eth2 (1) - gpu-3:eth1 (14)".
std::string circuit_text(const v1::Circuit& circuit, const RegionNames& names);
std::string ports_text(const v1::PortPair& ports, const RegionNames& names);
/// "gpu-0:eth2 (1)", with the position of the switch.
std::string port_text(int port, const RegionNames& names);
/// Why the region is not ready; empty: it is.
std::string trouble_of(const v1::Status& status);
/// Whether it is among them, either way round.
bool holds(const google::protobuf::RepeatedPtrField<v1::PortPair>& pairs, const v1::PortPair& pair);
/// Why a pin is dark that nothing else keeps from being lit; empty: its servers are of one tenant.
std::string why_dark(const v1::PortPair& pin, const v1::Status& status, const RegionNames& names);
std::string_view severity_text(v1::Severity severity);
/// What the controller has against something, in words.
std::string alarm_text(const v1::Alarm& alarm, const RegionNames& names);
/// "2026-11-28T07:00:01.250Z major alarm port-suspect tenant 1: ..."; `lost` in a line before.
std::string happening_text(const v1::Happening& happening);

Json to_json(const v1::PhaseId& phase);
Json to_json(const v1::Circuit& circuit, const RegionNames& names);
Json to_json(const v1::PortPair& ports, const RegionNames& names);
Json port_json(int port, const RegionNames& names);
Json to_json(const v1::Topology& topology, const RegionNames& names);
Json to_json(const v1::Alarm& alarm, const RegionNames& names);
Json to_json(const v1::Happening& happening);

}  // namespace mixnet::ctl
