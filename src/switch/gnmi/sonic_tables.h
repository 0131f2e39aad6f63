// SONiC's databases as gNMI shows them: tables of keys, rows of fields, all of them text.
//
//   sonic-db:/CONFIG_DB/localhost/OCS_CROSS_CONNECT/1A-2B/a_side
//             db        (asic)    table             key   field
//
// A value at a path is JSON: at a table {key: {field: value}}, at a key {field: value}, at a field
// the value. The same decoding serves what a switch tells us and what a client tells our own.
//
// Ports are simplex: inputs 1A..NA, outputs 1B..NB, on devices of several cards SLOT-NUMBER. As
// port_numbering.h counts, input 1A is port 1 and output 1B port N+1, so the cross-connect iA-jB is
// Patch{i, N+j}.
//
// Sources: ../shared/design/3-formats.md, tests/data/switch/gnmi_sonic.txt. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gnmi.pb.h"
#include "ocs/port_numbering.h"

namespace mixnet {

inline constexpr std::string_view kSonicOrigin = "sonic-db";
inline constexpr std::string_view kConfigDb = "CONFIG_DB";
inline constexpr std::string_view kStateDb = "STATE_DB";
inline constexpr std::string_view kPortTable = "OCS_PORT";
inline constexpr std::string_view kCrossConnectTable = "OCS_CROSS_CONNECT";
inline constexpr std::string_view kLossTable = "OCS_FACTORY_INSERTION_LOSS";
inline constexpr std::string_view kMetadataTable = "DEVICE_METADATA";
/// Older images add it to the tables of STATE_DB.
inline constexpr std::string_view kOldTableSuffix = "_TABLE";
/// Call metadata; "true" asks that a Set be committed without validation.
inline constexpr const char* kBypassMetadata = "x-sonic-ss-bypass-validation";

/// Empty from some level on: the path leads to that level.
struct SonicPath {
  std::string db;
  std::string table;
  std::string key;
  std::string field;
  auto operator<=>(const SonicPath&) const = default;

  gnmi::Path to_gnmi() const;
  std::string text() const;  ///< "CONFIG_DB/OCS_PORT/1A"
};

/// Takes "localhost" and "asicN" out, a key of a step (`OCS_PORT[name=1A]`) as the step after it,
/// and a prefix's target as the database where the path names none. Throws Error for a path that
/// leads elsewhere: another origin, too deep, steps of before gNMI 0.4.
SonicPath sonic_path(const gnmi::Path& prefix, const gnmi::Path& path);

using SonicRow = std::map<std::string, std::string, std::less<>>;
using SonicTable = std::map<std::string, SonicRow, std::less<>>;

/// The JSON in a value; a plain string as JSON. None: another kind.
std::optional<std::string> json_of(const gnmi::TypedValue& value);

/// Adds what the value at the path says to the table. A key with an empty object gets an empty row:
/// on a stream, it is gone. Throws Error for what is no JSON, or not of the path's depth.
void decode_rows(const SonicPath& at, std::string_view json, SonicTable& table);
/// All updates of the notification that lie in db and table.
void decode_rows(const gnmi::Notification& notification, std::string_view db,
                 std::string_view table, SonicTable& rows);

/// The other way round.
std::string to_json(const SonicRow& row);
std::string to_json(const SonicTable& table);
std::string quoted_json(std::string_view text);

/// Names of a device's ports.
class SonicPorts {
 public:
  /// 1A..NA, 1B..NB.
  explicit SonicPorts(int positions);
  /// As a switch lists them. What bears no port's name is left out. Throws Error where a position
  /// lacks a side, or none is left. Positions of a device with cards are numbered card by card.
  static SonicPorts from_table(const SonicTable& ports);

  const PortNumbering& numbering() const { return numbering_; }
  /// The device's port of that number, in 1..2N.
  const std::string& name(int device_port) const { return names_[device_port - 1]; }
  /// 0: none.
  int port(std::string_view name) const;
  std::string key(Patch patch) const;
  std::optional<Patch> patch(std::string_view key) const;

 private:
  SonicPorts() = default;
  void index();

  PortNumbering numbering_{Sides::kTwo, 0};
  std::vector<std::string> names_;
  std::unordered_map<std::string, int> ports_;
};

}  // namespace mixnet
