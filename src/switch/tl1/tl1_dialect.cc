#include "tl1/tl1_dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "tl1/tl1_command.h"

namespace mixnet {
namespace {

constexpr int kMostPorts = 1 << 16;

/// The names in braces.
std::vector<std::string> holes(std::string_view pattern) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = pattern.find('{', at)) != pattern.npos;) {
    const std::size_t end = pattern.find('}', at);
    names.emplace_back(pattern.substr(at + 1, end == pattern.npos ? end : end - at - 1));
    at = end == pattern.npos ? pattern.size() : end;
  }
  return names;
}

/// `needed`: what must stand in it besides {ctag}; `may`: what can.
std::string command(const JsonReader& reader, std::vector<std::string> needed,
                    std::vector<std::string> may = {}) {
  const std::string pattern = reader.string();
  std::vector<std::string> found = holes(pattern);
  if (!pattern.ends_with(';') || std::ranges::count(found, "ctag") != 1) {
    throw Error(reader.place(), fmt::format("'{}' is no command", shown(pattern)),
                "it has {ctag} once and ends in ';'");
  }
  may.insert(may.end(), needed.begin(), needed.end());
  may.emplace_back("ctag");
  for (const std::string& name : found) {
    if (std::ranges::find(may, name) == may.end()) {
      refuse_name(name, reader.place(), "word in braces", may);
    }
  }
  for (const std::string& name : needed) {
    if (std::ranges::find(found, name) != found.end()) continue;
    throw Error(reader.place(), fmt::format("{{{}}} is missing", name));
  }
  return pattern;
}

std::string command_or_none(const JsonReader& reader, std::string_view key,
                            std::vector<std::string> needed, std::vector<std::string> may = {}) {
  if (!reader.has(key)) return {};
  return command(reader.at(key), std::move(needed), std::move(may));
}

void check_keys(const JsonReader& reader) {
  const std::vector<std::string> known = {
      "source",  "login",    "after_login",  "logout",  "not_logged_in", "identity",
      "size",    "size_key", "inputs_after", "connect", "outputs_after", "disconnect",
      "read",    "read_all", "power",        "shutter", "shutter_words", "row_in",
      "row_out", "row_port", "row_value"};
  for (const std::string& key : reader.keys()) {
    if (std::ranges::find(known, key) == known.end()) {
      refuse_name(key, reader.place(), "key", known);
    }
  }
}

/// What stands behind `KEY=` in a row `NAME:KEY=...,KEY=...`.
std::optional<std::string> field(std::string_view row, std::string_view key) {
  const std::size_t colon = row.find(':');
  const std::size_t equals = row.find('=');
  if (colon < equals) row.remove_prefix(colon + 1);
  return tl1_parameter(row, key);
}

}  // namespace

int Tl1Dialect::on_wire(int port, const PortNumbering& numbering) const {
  if (port <= numbering.positions) return port + inputs_after;
  return port - numbering.positions + outputs_after.value_or(inputs_after + numbering.positions);
}

int Tl1Dialect::from_wire(int number, const PortNumbering& numbering) const {
  const int outputs = outputs_after.value_or(inputs_after + numbering.positions);
  const int in = number - inputs_after;
  const int out = number - outputs;
  if (in >= 1 && in <= numbering.positions) return in;
  if (numbering.sides == Sides::kTwo && out >= 1 && out <= numbering.positions) {
    return numbering.positions + out;
  }
  return 0;
}

std::optional<Patch> Tl1Dialect::patch_in(std::string_view row,
                                          const PortNumbering& numbering) const {
  std::optional<std::string> in, out;
  if (row_in.empty()) {
    const std::size_t comma = row.find(',');
    if (comma == row.npos) return std::nullopt;
    in = row.substr(0, comma);
    out = row.substr(comma + 1, row.find(',', comma + 1) - comma - 1);
  } else {
    in = field(row, row_in);
    out = field(row, row_out);
  }
  if (!in || !out) return std::nullopt;
  const auto in_number = number_in<int>(trimmed(*in));
  const auto out_number = number_in<int>(trimmed(*out));
  if (!in_number || !out_number) return std::nullopt;
  if (*in_number == 0 || *out_number == 0) return Patch{};
  const Patch patch{from_wire(*in_number, numbering), from_wire(*out_number, numbering)};
  if (patch.in == 0 || patch.out == 0 || !numbering.is_possible(numbering.ordered(patch))) {
    return std::nullopt;
  }
  return numbering.ordered(patch);
}

std::optional<std::pair<int, std::string>> Tl1Dialect::value_in(
    std::string_view row, const PortNumbering& numbering) const {
  std::optional<std::string> port, value;
  const std::size_t colon = row.find(':');
  if (!row_port.empty()) {
    port = field(row, row_port);
    value = field(row, row_value);
  } else if (colon != row.npos) {
    port = row.substr(0, colon);
    value = row.substr(colon + 1);
  }
  if (!port || !value) return std::nullopt;
  const auto number = number_in<int>(trimmed(*port));
  const int known = number ? from_wire(*number, numbering) : 0;
  if (known == 0) return std::nullopt;
  return std::pair(known, std::string(trimmed(*value)));
}

std::optional<PortNumbering> Tl1Dialect::size_in(const std::vector<std::string>& rows) const {
  for (const std::string& row : rows) {
    const auto value = field(row, size_key);
    if (!value) continue;
    const std::size_t cross = std::min(value->find('x'), value->find('X'));
    const auto inputs = number_in<int>(std::string_view(*value).substr(0, cross));
    if (cross >= value->size() || !inputs || *inputs < 1 || *inputs > kMostPorts) continue;
    const std::string_view outputs = std::string_view(*value).substr(cross + 1);
    if (same_word(outputs, "CC") || outputs == "0") return PortNumbering{Sides::kOne, *inputs};
    if (number_in<int>(outputs) == inputs) return PortNumbering{Sides::kTwo, *inputs};
  }
  return std::nullopt;
}

Tl1Dialect parse_tl1_dialect(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(json, input);
  const JsonReader reader(document, input);
  check_keys(reader);
  Tl1Dialect dialect;
  dialect.login = command(reader.at("login"), {"user", "password"});
  dialect.logout = command_or_none(reader, "logout", {}, {"user"});
  dialect.identity = command(reader.at("identity"), {});
  dialect.size = command_or_none(reader, "size", {});
  dialect.size_key = reader.string_or("size_key", "SIZE");
  dialect.connect = command(reader.at("connect"), {"in", "out"});
  dialect.disconnect = command(reader.at("disconnect"), {"in"}, {"out"});
  dialect.read = command(reader.at("read"), {"ports"});
  dialect.read_all = command(reader.at("read_all"), {});
  dialect.power = command_or_none(reader, "power", {"ports"});
  dialect.shutter = command_or_none(reader, "shutter", {"ports"});
  if (reader.has("after_login")) {
    const JsonReader list = reader.at("after_login");
    for (std::size_t i = 0; i < list.size(); ++i) {
      dialect.after_login.push_back(command(list.at(i), {}, {"user"}));
    }
  }
  if (reader.has("not_logged_in")) {
    const JsonReader list = reader.at("not_logged_in");
    for (std::size_t i = 0; i < list.size(); ++i) {
      dialect.not_logged_in.push_back(list.at(i).string());
    }
  }
  if (!dialect.shutter.empty()) {
    const JsonReader words = reader.at("shutter_words");
    for (const std::string& word : words.keys()) {
      dialect.shutter_words[word] = words.at(word).choice<PortState>();
    }
  }
  constexpr int kMostOffset = 1'000'000'000;
  if (reader.has("inputs_after")) {
    dialect.inputs_after = static_cast<int>(reader.at("inputs_after").integer(0, kMostOffset));
  }
  if (reader.has("outputs_after")) {
    dialect.outputs_after = static_cast<int>(reader.at("outputs_after").integer(0, kMostOffset));
  }
  if (reader.has("row_in") || reader.has("row_out")) {
    dialect.row_in = reader.at("row_in").string();
    dialect.row_out = reader.at("row_out").string();
  }
  if (reader.has("row_port") || reader.has("row_value")) {
    dialect.row_port = reader.at("row_port").string();
    dialect.row_value = reader.at("row_value").string();
  }
  return dialect;
}

Tl1Dialect load_tl1_dialect(const std::string& name, Env& env) {
  const bool is_file = name.find('/') != name.npos || name.ends_with(".json");
  const std::filesystem::path path =
      is_file ? std::filesystem::path(name) : data_directory() / "dialects" / (name + ".json");
  return parse_tl1_dialect(read_text_file(path, env), path.string());
}

std::string fill_tl1(std::string_view pattern,
                     const std::map<std::string, std::string, std::less<>>& values) {
  std::string text;
  while (true) {
    const std::size_t open = pattern.find('{');
    text += pattern.substr(0, open);
    if (open == pattern.npos) return text;
    const std::size_t close = pattern.find('}', open);
    if (close == pattern.npos) return text.append(pattern.substr(open));
    const auto value = values.find(pattern.substr(open + 1, close - open - 1));
    if (value != values.end()) text += value->second;
    pattern.remove_prefix(close + 1);
  }
}

}  // namespace mixnet
