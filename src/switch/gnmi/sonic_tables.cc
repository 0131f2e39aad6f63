#include "gnmi/sonic_tables.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gnmi/gnmi_path.h"

namespace mixnet {
namespace {

using Json = nlohmann::json;

/// A database, a table, a key and a field, with the step between the first two.
constexpr int kMostSteps = 5;
constexpr std::size_t kLongestKey = 64;

bool is_asic(std::string_view step) {
  return step == "localhost" || (step.starts_with("asic") && step.size() > 4 &&
                                 step.find_first_not_of("0123456789", 4) == std::string_view::npos);
}

void add_steps(const gnmi::Path& path, std::vector<std::string>& steps) {
  if (path.element_size() > 0) {
    throw Error("gNMI path", "its steps are written as before gNMI 0.4 (element)", "use elem");
  }
  for (const gnmi::PathElem& step : path.elem()) {
    if (step.name().empty()) throw Error("gNMI path", "a step has no name");
    steps.push_back(step.name());
    if (step.key_size() > 1) throw Error("gNMI path", "a step has more than one key");
    for (const auto& [key, value] : step.key()) steps.push_back(value);
    if (steps.size() > kMostSteps) {
      throw Error("gNMI path", "leads deeper than DB/localhost/TABLE/KEY/FIELD");
    }
  }
}

std::string scalar_text(const Json& value, const SonicPath& at) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw Error(at.text(), "the value of a field is no text or number");
}

void decode_row(const SonicPath& at, const Json& value, SonicRow& row) {
  if (!value.is_object()) throw Error(at.text(), "the value of a key is no JSON object of fields");
  for (const auto& [field, text] : value.items()) row[field] = scalar_text(text, at);
}

/// Card (0: none), number, side.
struct PortName {
  int slot = 0;
  int number = 0;
  char side = 'A';
};

std::optional<PortName> parse_port(std::string_view name) {
  PortName port;
  if (name.size() < 2 || (name.back() != 'A' && name.back() != 'B')) return std::nullopt;
  port.side = name.back();
  name.remove_suffix(1);
  const auto read = [](std::string_view digits, int& number) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() && number >= 1 &&
           number <= 100'000 && digits.front() != '0';
  };
  const std::size_t dash = name.find('-');
  if (dash != std::string_view::npos) {
    if (dash == 0 || !read(name.substr(0, dash), port.slot)) return std::nullopt;
    name.remove_prefix(dash + 1);
  }
  if (name.empty() || !read(name, port.number)) return std::nullopt;
  return port;
}

}  // namespace

gnmi::Path SonicPath::to_gnmi() const {
  gnmi::Path path;
  path.set_origin(std::string(kSonicOrigin));
  if (db.empty()) return path;
  path.add_elem()->set_name(db);
  path.add_elem()->set_name("localhost");
  for (const std::string* step : {&table, &key, &field}) {
    if (step->empty()) break;
    path.add_elem()->set_name(*step);
  }
  return path;
}

std::string SonicPath::text() const {
  std::string text = db;
  for (const std::string* step : {&table, &key, &field}) {
    if (!step->empty()) text += "/" + *step;
  }
  return text.empty() ? "/" : text;
}

SonicPath sonic_path(const gnmi::Path& prefix, const gnmi::Path& path) {
  for (const std::string& origin : {prefix.origin(), path.origin()}) {
    if (!origin.empty() && origin != kSonicOrigin) {
      throw Error("gNMI path", "the origin '" + origin.substr(0, 64) + "' is not known",
                  "use sonic-db");
    }
  }
  std::vector<std::string> steps;
  add_steps(prefix, steps);
  add_steps(path, steps);
  const std::string& target = prefix.target();
  if (target.ends_with("_DB") && (steps.empty() || steps.front() != target)) {
    steps.insert(steps.begin(), target);
  }
  if (steps.size() > 1 && is_asic(steps[1])) steps.erase(steps.begin() + 1);
  if (steps.size() >= kMostSteps) {
    throw Error("gNMI path", "leads deeper than DB/localhost/TABLE/KEY/FIELD");
  }
  steps.resize(kMostSteps);
  return {steps[0], steps[1], steps[2], steps[3]};
}

std::optional<std::string> json_of(const gnmi::TypedValue& value) {
  switch (value.value_case()) {
    case gnmi::TypedValue::kJsonIetfVal:
      return value.json_ietf_val();
    case gnmi::TypedValue::kJsonVal:
      return value.json_val();
    case gnmi::TypedValue::kStringVal:
      return quoted_json(value.string_val());
    default:
      return std::nullopt;
  }
}

void decode_rows(const SonicPath& at, std::string_view json, SonicTable& table) {
  const Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) throw Error(at.text(), "the value is no JSON");
  if (!at.field.empty()) {
    table[at.key][at.field] = scalar_text(value, at);
  } else if (!at.key.empty()) {
    decode_row(at, value, table[at.key]);
  } else if (!at.table.empty()) {
    if (!value.is_object()) {
      throw Error(at.text(), "the value of a table is no JSON object of keys");
    }
    for (const auto& [key, row] : value.items()) decode_row(at, row, table[key]);
  } else {
    throw Error(at.text(), "a value of a whole database", "name a table");
  }
}

void decode_rows(const gnmi::Notification& notification, std::string_view db,
                 std::string_view table, SonicTable& rows) {
  for (const gnmi::Update& update : notification.update()) {
    const SonicPath at = sonic_path(notification.prefix(), update.path());
    if (at.db != db || at.table != table) continue;
    const std::optional<std::string> json = json_of(update.val());
    if (!json) throw Error(at.text(), "the value is no JSON");
    decode_rows(at, *json, rows);
  }
}

// Who writes rows has valid text in them but for what clients wrote into labels: replaced.
std::string to_json(const SonicRow& row) {
  return Json(row).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_json(const SonicTable& table) {
  return Json(table).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string quoted_json(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

SonicPorts::SonicPorts(int positions) : numbering_{Sides::kTwo, positions} {
  for (const char* side : {"A", "B"}) {
    for (int p = 1; p <= positions; ++p) names_.push_back(std::to_string(p) + side);
  }
  index();
}

SonicPorts SonicPorts::from_table(const SonicTable& ports) {
  std::map<std::pair<int, int>, std::pair<std::string, std::string>> sides;
  for (const auto& [name, row] : ports) {
    const std::optional<PortName> port = parse_port(name);
    if (!port) continue;
    auto& [a, b] = sides[{port->slot, port->number}];
    (port->side == 'A' ? a : b) = name;
  }
  SonicPorts all;
  for (const auto& [place, names] : sides) {
    if (names.first.empty() || names.second.empty()) {
      throw Error(kPortTable, "port " + names.first + names.second + " lacks its other side",
                  "a position has an A and a B port");
    }
    all.names_.push_back(names.first);
    ++all.numbering_.positions;
    // Without cards a number is a position, so there must be no gap.
    if (place.first == 0 && place.second != all.numbering_.positions) {
      throw Error(kPortTable, "there is no port " + std::to_string(all.numbering_.positions) + "A");
    }
  }
  if (all.names_.empty()) throw Error(kPortTable, "lists no ports");
  for (const auto& [place, names] : sides) all.names_.push_back(names.second);
  all.index();
  return all;
}

void SonicPorts::index() {
  for (std::size_t i = 0; i < names_.size(); ++i) ports_[names_[i]] = static_cast<int>(i) + 1;
}

int SonicPorts::port(std::string_view name) const {
  const auto found = ports_.find(std::string(name));
  return found == ports_.end() ? 0 : found->second;
}

std::string SonicPorts::key(Patch patch) const { return name(patch.in) + "-" + name(patch.out); }

std::optional<Patch> SonicPorts::patch(std::string_view key) const {
  if (key.size() > kLongestKey) return std::nullopt;  // the search below is quadratic
  for (std::size_t dash = key.find('-'); dash != std::string_view::npos;
       dash = key.find('-', dash + 1)) {
    const Patch patch{port(key.substr(0, dash)), port(key.substr(dash + 1))};
    if (patch.in != 0 && patch.out != 0 && numbering_.is_possible(patch)) return patch;
  }
  return std::nullopt;
}

}  // namespace mixnet
