#include "frontends/sonic_view.h"

#include <fmt/format.h>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr int kMostPaths = 256;
/// Below what gRPC's clients take, and a bound on how long one Get holds up all others.
constexpr std::size_t kMostJson = 3 << 20;

std::string_view port_status(const EmulatedSwitch& device, int position, bool is_joined) {
  switch (device.state(position)) {
    case PortState::kFailed:
      return "failed";
    case PortState::kMoving:
      return "tuning";
    case PortState::kBlocked:
      return "blocked";
    default:
      return is_joined ? "tuned" : "blocked";
  }
}

SonicTable config_ports(const EmulatedSwitch& device, const SonicPorts& ports) {
  SonicTable table;
  for (int port = 1; port <= ports.numbering().device_ports(); ++port) {
    const int position = ports.numbering().position(port);
    SonicRow& row = table[ports.name(port)];
    row["label"] = device.light().label(position);
    row["state"] = device.light().is_shut(position) ? "force_blocked" : "normal";
  }
  return table;
}

SonicTable state_ports(const EmulatedSwitch& device, const SonicPorts& ports) {
  SonicTable table;
  const int positions = ports.numbering().positions;
  for (int port = 1; port <= 2 * positions; ++port) {
    const int position = ports.numbering().position(port);
    const bool is_input = port <= positions;
    const int other = is_input ? device.path_from(position) : device.path_to(position);
    SonicRow& row = table[ports.name(port)];
    row["connector_type"] = "LC UPC";
    row["connector_pin"] = std::to_string(position);
    row["status"] = port_status(device, position, other != 0);
    if (other != 0)
      row["target_simplex_port_id"] = ports.name(is_input ? positions + other : other);
  }
  return table;
}

Patch patch_of(LightPath path, const SonicPorts& ports) {
  return {path.from, ports.numbering().positions + path.to};
}

SonicTable cross_connects(const EmulatedSwitch& device, const SonicPorts& ports, bool with_state) {
  SonicTable table;
  for (const LightPath& path : device.paths()) {
    const Patch patch = patch_of(path, ports);
    SonicRow& row = table[ports.key(patch)];
    row["a_side"] = ports.name(patch.in);
    row["b_side"] = ports.name(patch.out);
    if (with_state) row["a_side_status"] = row["b_side_status"] = "tuned";
  }
  return table;
}

SonicTable insertion_losses(const EmulatedSwitch& device, const SonicPorts& ports) {
  SonicTable table;
  for (const LightPath& path : device.paths()) {
    SonicRow& row = table[ports.key(patch_of(path, ports)) + "|193.4|25"];
    row["loss_dB"] = fmt::format("{:.2f}", device.light().insertion_loss(path.from, path.to));
    row["accuracy_dB"] = "0.1";
  }
  return table;
}

SonicTable metadata(const EmulatedSwitch& device) {
  return {{"localhost",
           {{"hostname", "mixnet-ocs"},
            {"hwsku", fmt::format("MixNet-{}x{}", device.config().ports, device.config().ports)},
            {"platform", "emulated"},
            {"switch_type", "ocs"},
            {"type", "SonicOCS"}}}};
}

[[noreturn]] void refuse_unknown(const SonicPath& path) {
  throw GnmiRefusal(grpc::StatusCode::NOT_FOUND,
                    fmt::format("Failed to find {} {} <nil> []", path.db, path.table));
}

std::string database_json(const EmulatedSwitch& device, const SonicPorts& ports,
                          const SonicPath& path) {
  std::string json;
  for (const std::string_view table :
       {kMetadataTable, kCrossConnectTable, kLossTable, kPortTable}) {
    const SonicTable rows = sonic_table(device, ports, path.db, table);
    if (rows.empty()) continue;
    json += json.empty() ? "{" : ",";
    json += quoted_json(table) + ":" + to_json(rows);
  }
  if (json.empty()) refuse_unknown(path);
  return json + "}";
}

}  // namespace

SonicTable sonic_table(const EmulatedSwitch& device, const SonicPorts& ports, std::string_view db,
                       std::string_view table) {
  if (db == kConfigDb) {
    if (table == kPortTable) return config_ports(device, ports);
    if (table == kCrossConnectTable) return cross_connects(device, ports, false);
    if (table == kMetadataTable) return metadata(device);
  } else if (db == kStateDb) {
    if (table == kPortTable) return state_ports(device, ports);
    if (table == kCrossConnectTable) return cross_connects(device, ports, true);
    if (table == kLossTable) return insertion_losses(device, ports);
  }
  return {};
}

SonicPath refusing_path(const gnmi::Path& prefix, const gnmi::Path& path) {
  for (const std::string& origin : {prefix.origin(), path.origin()}) {
    if (!origin.empty() && origin != kSonicOrigin) {
      throw GnmiRefusal(grpc::StatusCode::UNIMPLEMENTED, "Origin conflict in path");
    }
  }
  try {
    return sonic_path(prefix, path);
  } catch (const Error& error) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT, error.what());
  }
}

std::string json_at(const EmulatedSwitch& device, const SonicPorts& ports, const SonicPath& path) {
  if (path.db.empty()) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                      "the path names no database: /CONFIG_DB/localhost/TABLE");
  }
  if (path.table.empty()) return database_json(device, ports, path);
  const SonicTable table = sonic_table(device, ports, path.db, path.table);
  if (table.empty()) refuse_unknown(path);
  if (path.key.empty()) return to_json(table);
  const auto row = table.find(path.key);
  if (path.field.empty()) return row == table.end() ? "{}" : to_json(row->second);
  if (row != table.end()) {
    const auto field = row->second.find(path.field);
    if (field != row->second.end()) return quoted_json(field->second);
  }
  throw GnmiRefusal(grpc::StatusCode::NOT_FOUND, "redis: nil");
}

void check_encoding(gnmi::Encoding encoding) {
  if (encoding == gnmi::JSON || encoding == gnmi::JSON_IETF) return;
  throw GnmiRefusal(grpc::StatusCode::UNIMPLEMENTED,
                    "this encoding is not served; use JSON_IETF or JSON");
}

void put_json(std::string json, gnmi::Encoding encoding, gnmi::TypedValue& value) {
  if (encoding == gnmi::JSON) {
    value.set_json_val(std::move(json));
  } else {
    value.set_json_ietf_val(std::move(json));
  }
}

std::int64_t gnmi_timestamp() { return system_env().wall_now().time_since_epoch().count(); }

gnmi::CapabilityResponse answer_capabilities() {
  gnmi::CapabilityResponse response;
  for (const char* name : {"sonic-db", "sonic-ocs", "sonic-ocs-states"}) {
    gnmi::ModelData& model = *response.add_supported_models();
    model.set_name(name);
    model.set_organization("SONiC");
    model.set_version("0.1.0");
  }
  response.add_supported_encodings(gnmi::JSON);
  response.add_supported_encodings(gnmi::JSON_IETF);
  response.set_gnmi_version("0.7.0");
  return response;
}

gnmi::GetResponse answer_get(const gnmi::GetRequest& request, const EmulatedSwitch& device,
                             const SonicPorts& ports) {
  check_encoding(request.encoding());
  if (request.type() != gnmi::GetRequest::ALL) {
    throw GnmiRefusal(
        grpc::StatusCode::UNIMPLEMENTED,
        "unsupported request type: " + gnmi::GetRequest::DataType_Name(request.type()));
  }
  if (request.path_size() > kMostPaths) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT, "more than 256 paths");
  }
  gnmi::GetResponse response;
  std::size_t size = 0;
  const auto answer = [&](const gnmi::Path& path) {
    gnmi::Notification& notification = *response.add_notification();
    notification.set_timestamp(gnmi_timestamp());
    if (request.has_prefix()) *notification.mutable_prefix() = request.prefix();
    gnmi::Update& update = *notification.add_update();
    *update.mutable_path() = path;
    std::string json = json_at(device, ports, refusing_path(request.prefix(), path));
    size += json.size();
    if (size > kMostJson) {
      throw GnmiRefusal(grpc::StatusCode::RESOURCE_EXHAUSTED,
                        "the answer is longer than 3 MiB; ask for less at once");
    }
    put_json(std::move(json), request.encoding(), *update.mutable_val());
  };
  for (const gnmi::Path& path : request.path()) answer(path);
  if (request.path().empty()) answer({});
  return response;
}

}  // namespace mixnet
