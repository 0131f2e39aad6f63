// An emulated switch as a SONiC switch shows itself: tables, and answers to Get and Set.
//
//   CONFIG_DB  OCS_PORT           {label, state: normal | force_blocked}; both sides of a position
//                                 have one shutter and one label
//              OCS_CROSS_CONNECT  {a_side, b_side}
//              DEVICE_METADATA
//   STATE_DB   OCS_PORT           {connector_type, connector_pin, status, target_simplex_port_id}
//              OCS_CROSS_CONNECT  {a_side, b_side, a_side_status, b_side_status}
//              OCS_FACTORY_INSERTION_LOSS  of what is joined, at 193.4 THz and 25 C
//
// What is being moved is in no table of cross-connects; its ports are `tuning`. What is answered to
// which question, and with which words it is refused, is SONiC's (tests/data/switch/gnmi_sonic.txt)
// where that is known.
//
// Pure: reads the device, changes nothing. A table costs O(its rows).
#pragma once

#include <grpcpp/support/status.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "emulator/emulated_switch.h"
#include "gnmi.pb.h"
#include "gnmi/sonic_tables.h"

namespace mixnet {

/// Why a call is not done.
class GnmiRefusal : public std::runtime_error {
 public:
  GnmiRefusal(grpc::StatusCode code, const std::string& text)
      : std::runtime_error(text), code_(code) {}
  grpc::Status status() const { return {code_, what()}; }

 private:
  grpc::StatusCode code_;
};

/// Empty: there is no such table, or nothing in it.
SonicTable sonic_table(const EmulatedSwitch& device, const SonicPorts& ports, std::string_view db,
                       std::string_view table);

/// sonic_path(); throws GnmiRefusal.
SonicPath refusing_path(const gnmi::Path& prefix, const gnmi::Path& path);
/// JSON of what lies there. Throws GnmiRefusal (NOT_FOUND).
std::string json_at(const EmulatedSwitch& device, const SonicPorts& ports, const SonicPath& path);
/// Throws GnmiRefusal for one that cannot be served.
void check_encoding(gnmi::Encoding encoding);
void put_json(std::string json, gnmi::Encoding encoding, gnmi::TypedValue& value);
/// Nanoseconds of Unix time.
std::int64_t gnmi_timestamp();

/// Throw GnmiRefusal.
gnmi::CapabilityResponse answer_capabilities();
gnmi::GetResponse answer_get(const gnmi::GetRequest& request, const EmulatedSwitch& device,
                             const SonicPorts& ports);

/// What a Set comes to.
struct SonicSet {
  PathRequest paths;
  std::vector<std::pair<int, bool>> shutters;       ///< position, shut
  std::vector<std::pair<int, std::string>> labels;  ///< position, label
  gnmi::SetResponse response;
};

/// `bypass`: committed unvalidated, where an update of a whole table adds to it; else it replaces
/// the table, as in a JSON patch. Throws GnmiRefusal.
SonicSet plan_set(const gnmi::SetRequest& request, bool bypass, const EmulatedSwitch& device,
                  const SonicPorts& ports);
/// Throws GnmiRefusal for an answer that refuses.
void check_answer(const RequestAnswer& answer);

}  // namespace mixnet
