// EmulatedSwitch: what outlasts a restart, as JSON.
//
//   {"format": "mixnet emulated switch", "version": 1, "ports": 32, "sides": "two",
//    "requests": 12, "movements": 7,       numbers that go on
//    "paths": [[from, to], ...],
//    "positions": [{"at": 3, "label": "...", "sent": -0.2 or null, "loss_in": 1, "loss_out": 1,
//                   "shut": true, "wear": 5, "input": 4, "output": 4}, ...],
//    "faults": [{"kind": "stuck", "port": 3, "with": 0, "left_ns": 5}, ...]}
//
// A position is listed where it is not as made, and of it what is not. "input", "output": the ends
// of the matrix that its fibres lead to. A fault without "left_ns" stands for ever.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_reader.h"
#include "emulator/emulated_switch.h"

namespace mixnet {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "mixnet emulated switch";
constexpr std::int64_t kVersion = 1;
constexpr double kMostDb = 1000;
// Three bytes for each that is no UTF-8.
constexpr std::size_t kMostSavedLabel = 3 * kMostLabel;

int read_position(const JsonReader& reader, int ports) {
  return static_cast<int>(reader.integer(1, ports));
}

double read_db(const JsonReader& reader, double least) {
  const double db = reader.number(least);
  if (db > kMostDb)
    throw Error(reader.place(), "is too large", fmt::format("at most {} dB", kMostDb));
  return db;
}

PathTable read_paths(const JsonReader& paths, int ports, Sides sides) {
  PathTable table(ports);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const JsonReader pair = paths.at(i);
    if (pair.size() != 2) throw Error(pair.place(), "is no path", "[from, to]");
    const LightPath path = {read_position(pair.at(std::size_t{0}), ports),
                            read_position(pair.at(std::size_t{1}), ports)};
    if (!table.is_free(path)) {
      throw Error(pair.place(), fmt::format("path {}-{} meets another", path.from, path.to),
                  "one path from each position and one to it");
    }
    table.add(path);
  }
  if (sides == Sides::kTwo) return table;
  for (const LightPath path : table.paths()) {
    if (path.from == path.to || !table.holds({path.to, path.from})) {
      throw Error(paths.place(), fmt::format("path {}-{} is half a circuit", path.from, path.to),
                  "a device of one side joins two positions, both ways");
    }
  }
  return table;
}

/// Brings fibre `end` of `position` to this end of the matrix.
void lead(PortLight& light, int position, FibreEnd end, int matrix) {
  const int other = end == FibreEnd::kIn ? light.source_of(matrix) : light.exit_of(matrix);
  if (other != position) light.swap(position, other, end);
}

void read_light(const JsonReader& reader, int position, PortLight& light) {
  std::string label = reader.string_or("label", "");
  if (label.size() > kMostSavedLabel) {
    throw Error(reader.at("label").place(), "is too long",
                fmt::format("at most {} bytes", kMostSavedLabel));
  }
  light.set_label(position, std::move(label));
  if (reader.has("sent")) {
    light.set_input(position, read_db(reader.at("sent"), -kMostDb));
  } else if (reader.value().contains("sent")) {
    light.set_input(position, std::nullopt);
  }
  if (reader.has("loss_in")) {
    light.set_fibre_loss(position, FibreEnd::kIn, read_db(reader.at("loss_in"), 0));
  }
  if (reader.has("loss_out")) {
    light.set_fibre_loss(position, FibreEnd::kOut, read_db(reader.at("loss_out"), 0));
  }
  light.set_shut(position, reader.boolean_or("shut", false));
}

/// After all: a list of exchanges may pass by a position twice.
void check_fibre(const JsonReader& reader, std::string_view key, int wanted, int is) {
  if (wanted != is) {
    throw Error(reader.at(key).place(), fmt::format("two fibres lead to {}", wanted),
                "one fibre to each");
  }
}

void read_positions(const JsonReader& list, PortLight& light, std::vector<std::int64_t>& wear) {
  std::vector<std::pair<int, JsonReader>> positions;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonReader reader = list.at(i);
    const int position = read_position(reader.at("at"), light.ports());
    positions.emplace_back(position, reader);
    read_light(reader, position, light);
    if (reader.has("wear")) wear[static_cast<std::size_t>(position)] = reader.at("wear").integer();
    if (reader.has("input")) {
      lead(light, position, FibreEnd::kIn, read_position(reader.at("input"), light.ports()));
    }
    if (reader.has("output")) {
      lead(light, position, FibreEnd::kOut, read_position(reader.at("output"), light.ports()));
    }
  }
  for (const auto& [position, reader] : positions) {
    if (reader.has("input")) {
      check_fibre(reader, "input", read_position(reader.at("input"), light.ports()),
                  light.input_of(position));
    }
    if (reader.has("output")) {
      check_fibre(reader, "output", read_position(reader.at("output"), light.ports()),
                  light.output_of(position));
    }
  }
}

json position_json(const PortLight& light, const PortLight& made, int p, std::int64_t wear) {
  json out = json::object();
  if (!light.label(p).empty()) out["label"] = light.label(p);
  if (light.input(p) != made.input(p)) {
    out["sent"] = light.input(p) ? json(*light.input(p)) : json(nullptr);
  }
  const double in = light.fibre_loss(p, FibreEnd::kIn);
  const double lost_out = light.fibre_loss(p, FibreEnd::kOut);
  if (in != 0) out["loss_in"] = in;
  if (lost_out != 0) out["loss_out"] = lost_out;
  if (light.is_shut(p)) out["shut"] = true;
  if (wear != 0) out["wear"] = wear;
  if (light.input_of(p) != p) out["input"] = light.input_of(p);
  if (light.output_of(p) != p) out["output"] = light.output_of(p);
  return out;
}

}  // namespace

std::string EmulatedSwitch::snapshot() const {
  json paths = json::array();
  for (const LightPath path : standing_.paths()) paths.push_back({path.from, path.to});
  json positions = json::array();
  const PortLight made(config_.ports, config_.seed);
  for (int p = 1; p <= config_.ports; ++p) {
    json position = position_json(light_, made, p, wear(p));
    if (position.empty()) continue;
    position["at"] = p;
    positions.push_back(std::move(position));
  }
  json faults = json::array();
  for (const Standing& fault : faults_standing_) {
    json one = {{"kind", to_string(fault.kind)}, {"port", fault.port}};
    if (fault.with != 0) one["with"] = fault.with;
    if (fault.ends != MonotonicTime::max()) {
      one["left_ns"] =
          std::max<std::int64_t>(0, std::chrono::nanoseconds(fault.ends - now_).count());
    }
    faults.push_back(std::move(one));
  }
  const json out = {{"format", kFormat},          {"version", kVersion},
                    {"ports", config_.ports},     {"sides", to_string(config_.sides)},
                    {"requests", last_id_},       {"movements", last_movement_},
                    {"paths", std::move(paths)},  {"positions", std::move(positions)},
                    {"faults", std::move(faults)}};
  // A label may be no UTF-8: it comes from whoever has the password.
  return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::vector<EmulatedSwitch::Standing> EmulatedSwitch::read_faults(const JsonReader& list,
                                                                  PortLight& light,
                                                                  MonotonicTime now) {
  std::vector<Standing> faults;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonReader reader = list.at(i);
    Standing fault;
    fault.kind = reader.at("kind").choice<FaultKind>();
    fault.port = read_position(reader.at("port"), light.ports());
    if (reader.has("left_ns")) {
      fault.ends = after(now, Duration::nanoseconds(reader.at("left_ns").integer()));
    }
    const auto same = [&](const Standing& other) {
      return other.kind == fault.kind && other.port == fault.port;
    };
    if (std::ranges::any_of(faults, same)) {
      throw Error(reader.place(), "the same fault as one before", "each once");
    }
    switch (fault.kind) {
      case FaultKind::kStuck:
      case FaultKind::kStuckSilently:
        break;
      case FaultKind::kDark:
        light.set_dark(fault.port, true);
        break;
      case FaultKind::kSwapped:
        fault.with = read_position(reader.at("with"), light.ports());
        if (light.exit_of(fault.port) != fault.with || light.exit_of(fault.with) != fault.port ||
            fault.with == fault.port) {
          throw Error(reader.place(), "these fibres are not exchanged", "\"output\" says so");
        }
        break;
      default:
        throw Error(reader.at("kind").place(), "does not last", "stuck, dark, swapped");
    }
    faults.push_back(fault);
  }
  return faults;
}

void EmulatedSwitch::restore(std::string_view text, std::string_view input, MonotonicTime now) {
  const json document = parse_json(text, input);
  const JsonReader reader(document, input);
  if (reader.at("format").string() != kFormat) {
    throw Error(reader.at("format").place(), "is another file's", kFormat);
  }
  if (reader.at("version").integer() != kVersion) {
    throw Error(reader.at("version").place(), "is not known",
                fmt::format("version {}, as this program writes it", kVersion));
  }
  const std::int64_t ports = reader.at("ports").integer();
  const Sides sides = reader.at("sides").choice<Sides>();
  if (ports != config_.ports || sides != config_.sides) {
    throw Error(input,
                fmt::format("state of a switch of {} ports, sides: {}", ports, to_string(sides)),
                fmt::format("this one has {} ports, sides: {}; begin anew without the file",
                            config_.ports, to_string(config_.sides)));
  }
  EmulatedSwitch made(config_);
  made.standing_ = made.target_ = read_paths(reader.at("paths"), config_.ports, sides);
  read_positions(reader.at("positions"), made.light_, made.wear_);
  made.faults_standing_ = read_faults(reader.at("faults"), made.light_, now);
  for (const Standing& fault : made.faults_standing_) {
    if (fault.kind == FaultKind::kStuck || fault.kind == FaultKind::kStuckSilently) {
      made.stuck_[index(fault.port)] = fault.kind;
    }
  }
  made.last_id_ = static_cast<std::uint64_t>(reader.at("requests").integer());
  made.last_movement_ = static_cast<std::uint64_t>(reader.at("movements").integer());
  made.light_changed_ = std::move(light_changed_);
  made.faults_ = std::move(faults_);
  made.lit_ = std::move(lit_);
  made.revision_ = revision_;
  made.drops_ = drops_;
  made.now_ = std::max(now_, now);
  *this = std::move(made);
  refresh_light(now);
}

}  // namespace mixnet
