#include "interop/chakra_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::uint64_t kMostId = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostSize = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMostSmall = std::numeric_limits<std::uint32_t>::max();

/// A whole number, or a text that is one: protobuf writes 64 bits as text.
std::uint64_t whole(const JsonReader& reader, std::uint64_t most = kMostSize) {
  const nlohmann::json& value = reader.value();
  std::optional<std::uint64_t> number;
  if (value.is_string()) number = number_in<std::uint64_t>(value.get_ref<const std::string&>());
  if (value.is_number_unsigned()) number = value.get<std::uint64_t>();
  if (value.is_number_float() && value.get<double>() >= 0 && value.get<double>() < 0x1p53 &&
      value.get<double>() == static_cast<double>(static_cast<std::uint64_t>(value.get<double>()))) {
    number = static_cast<std::uint64_t>(value.get<double>());
  }
  if (number && *number <= most) return *number;
  throw Error(reader.place(), "is no whole number from 0 on",
              "give one as the Chakra schema has it");
}

/// -1 and the like stand for none.
bool is_negative(const JsonReader& reader) {
  const nlohmann::json& value = reader.value();
  return (value.is_number() && value.get<double>() < 0) ||
         (value.is_string() && value.get_ref<const std::string&>().starts_with('-'));
}

std::vector<std::uint64_t> wholes(const JsonReader& list, std::uint64_t most) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < list.size(); ++i) numbers.push_back(whole(list.at(i), most));
  return numbers;
}

/// By name or number.
template <typename Enum>
Enum choice(const JsonReader& reader) {
  const nlohmann::json& value = reader.value();
  if (value.is_string() &&
      !number_in<std::uint64_t>(value.get_ref<const std::string&>()).has_value()) {
    return reader.choice<Enum>();
  }
  return static_cast<Enum>(whole(reader, std::size(Names<Enum>::kTable) - 1));
}

bool flag(const JsonReader& reader) {
  return reader.value().is_boolean() ? reader.boolean() : whole(reader, 1) == 1;
}

/// Sets what the attribute of that name is for; others are passed over.
void set_attribute(ChakraNode& node, std::string_view name, const JsonReader& value) {
  if (name == "is_cpu_op") {
    node.is_cpu_op = flag(value);
  } else if (name == "num_ops") {
    node.num_ops = whole(value);
  } else if (name == "tensor_size") {
    node.tensor_size = whole(value);
  } else if (name == "comm_type") {
    node.collective = choice<ChakraCollective>(value);
  } else if (name == "comm_size") {
    node.comm_size = whole(value);
  } else if (name == "pg_name") {
    node.process_group = value.value().is_string() ? value.string() : std::to_string(whole(value));
  } else if (name == "comm_splits") {
    node.splits = wholes(value.value().is_object() ? value.at("values") : value, kMostSize);
  } else if (is_negative(value)) {
    return;
  } else if (name == "comm_priority") {
    node.priority = static_cast<std::uint32_t>(whole(value, kMostSmall));
  } else if (name == "comm_src") {
    node.source = static_cast<std::uint32_t>(whole(value, kMostSmall));
  } else if (name == "comm_dst") {
    node.destination = static_cast<std::uint32_t>(whole(value, kMostSmall));
  } else if (name == "comm_tag") {
    node.tag = static_cast<std::uint32_t>(whole(value, kMostSmall));
  }
}

/// {"name": "num_ops", "int64Val": "5"}
void read_attribute(ChakraNode& node, const JsonReader& attribute) {
  const std::string name = attribute.at("name").string();
  for (const std::string& key : attribute.keys()) {
    if (key == "name" || key == "docString" || key == "doc_string") continue;
    set_attribute(node, name, attribute.at(key));
  }
}

class NodeReader {
 public:
  explicit NodeReader(const JsonReader& reader) : reader_(reader) {}

  ChakraNode read() {
    ChakraNode node;
    if (const auto id = first({"id", "Id"})) node.id = whole(*id, kMostId);
    if (const auto name = first({"name", "Name"})) node.name = name->string();
    if (const auto kind = first({"type", "NodeType", "node_type"})) {
      node.kind = choice<ChakraKind>(*kind);
    }
    if (const auto deps = first({"ctrlDeps", "ctrl_deps"})) {
      node.control_deps = wholes(*deps, kMostId);
    }
    if (const auto deps = first({"dataDeps", "data_deps"})) node.data_deps = wholes(*deps, kMostId);
    if (const auto time = first({"startTimeMicros", "start_time_micros"})) {
      node.start_us = whole(*time);
    }
    if (const auto time = first({"durationMicros", "duration_micros", "runtime"})) {
      node.duration_us = whole(*time);
    }
    if (const auto list = first({"attr"})) {
      for (std::size_t i = 0; i < list->size(); ++i) read_attribute(node, list->at(i));
    }
    // The feeder's form has attributes as keys.
    constexpr std::array<std::string_view, 11> kKeys = {
        "is_cpu_op", "num_ops",  "tensor_size", "comm_type",   "comm_size",    "pg_name",
        "comm_src",  "comm_dst", "comm_tag",    "comm_splits", "comm_priority"};
    for (const std::string_view key : kKeys) {
      if (reader_.has(key)) set_attribute(node, key, reader_.at(key));
    }
    return node;
  }

 private:
  std::optional<JsonReader> first(std::initializer_list<std::string_view> spellings) const {
    for (const std::string_view key : spellings) {
      if (reader_.has(key)) return reader_.at(key);
    }
    return std::nullopt;
  }

  const JsonReader& reader_;
};

/// The end of the value that begins at `begin`: behind the brace that closes its first. What is
/// wrong inside is the parser's to say.
std::size_t end_of_object(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  bool is_quoted = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char one = text[at];
    if (is_quoted) {
      if (one == '\\') ++at;
      if (one == '"') is_quoted = false;
    } else if (one == '"') {
      is_quoted = true;
    } else if (one == '{') {
      ++depth;
    } else if (one == '}' && --depth == 0) {
      return at + 1;
    }
  }
  return text.size();
}

bool is_node(const nlohmann::json& object) {
  return std::ranges::any_of(std::array{"id", "type", "name"},
                             [&](const char* key) { return object.contains(key); });
}

}  // namespace

bool is_chakra_json(std::string_view bytes) {
  constexpr std::size_t kSeen = 64;
  const std::size_t begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || bytes[begin] != '{') return false;
  // '{' may be a length of protobuf, whose version then follows its own length: a control
  // character.
  return std::ranges::all_of(bytes.substr(0, kSeen), [](char one) {
    const auto byte = static_cast<unsigned char>(one);
    return byte >= 0x20 || one == '\n' || one == '\r' || one == '\t';
  });
}

ChakraTrace parse_chakra_json(std::string_view text, const std::string& input) {
  ChakraTrace trace;
  std::size_t number = 0;
  for (std::size_t at = 0;;) {
    at = text.find_first_not_of(" \t\r\n,", at);
    if (at == std::string_view::npos) break;
    const std::string place = fmt::format("{}: object {}", input, ++number);
    if (text[at] != '{') throw Error(place, "does not begin with a brace", "give JSON objects");
    const std::size_t end = end_of_object(text, at);
    const nlohmann::json object = parse_json(text.substr(at, end - at), place);
    at = end;
    const JsonReader reader(object, place);
    if (reader.has("workload_graph")) {
      const JsonReader list = reader.at("workload_graph");
      for (std::size_t i = 0; i < list.size(); ++i) {
        const JsonReader node = list.at(i);
        trace.nodes.push_back(NodeReader(node).read());
      }
    } else if (number == 1 && !is_node(object)) {
      if (reader.has("version")) trace.version = reader.at("version").string();
    } else {
      trace.nodes.push_back(NodeReader(reader).read());
    }
  }
  if (number == 0) throw Error(input, "is empty", "give a Chakra trace");
  check_chakra_ids(trace, input);
  return trace;
}

}  // namespace mixnet
