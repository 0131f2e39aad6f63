#include "interop/chakra_trace.h"

#include <fmt/format.h>

#include <bit>
#include <iterator>
#include <limits>
#include <unordered_set>

#include "base/error.h"
#include "interop/wire_format.h"

namespace mixnet {
namespace {

constexpr std::size_t kKinds = std::size(Names<ChakraKind>::kTable);
constexpr std::size_t kCollectives = std::size(Names<ChakraCollective>::kTable);

// Field numbers of the schema.
namespace metadata {
constexpr std::uint32_t kVersion = 1, kAttribute = 2;
constexpr std::string_view kOrderOnly = "ctrl_deps_order_only";
}  // namespace metadata
namespace node {
constexpr std::uint32_t kId = 1, kName = 2, kType = 3, kControlDeps = 4, kDataDeps = 5, kStart = 6,
                        kDuration = 7, kAttribute = 10;
}
namespace attribute {
constexpr std::uint32_t kName = 1, kDocString = 2, kInt32 = 7, kInt32List = 8, kInt64 = 9,
                        kInt64List = 10, kUint32 = 11, kUint32List = 12, kUint64 = 13,
                        kUint64List = 14, kSint32 = 15, kSint64 = 17, kFixed32 = 19, kFixed64 = 21,
                        kSfixed32 = 23, kSfixed64 = 25, kBool = 27, kString = 29;
}

[[noreturn]] void refuse(const WireReader& reader, const WireField& field, std::string_view what,
                         std::string_view remedy) {
  throw Error(reader.inside(field).where(), what, remedy);
}

WireType wire_type_of(std::uint32_t value_tag) {
  switch (value_tag) {
    case attribute::kFixed32:
    case attribute::kSfixed32:
      return WireType::kFixed32;
    case attribute::kFixed64:
    case attribute::kSfixed64:
      return WireType::kFixed64;
    default:
      return WireType::kVarint;
  }
}

std::int64_t undo_zigzag(std::uint64_t bits) {
  return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
}

/// An AttributeProto: its name, and the field that is its value.
struct Attribute {
  std::string_view name;
  std::optional<WireField> value;
};

Attribute read_attribute(WireReader reader) {
  Attribute attribute;
  while (!reader.at_end()) {
    const WireField field = reader.next();
    if (field.tag == attribute::kName && field.type == WireType::kBytes) {
      attribute.name = field.bytes;
    } else if (field.tag != attribute::kDocString) {
      attribute.value = field;
    }
  }
  return attribute;
}

/// Reads the attributes of one node.
class AttributeReader {
 public:
  AttributeReader(const WireReader& reader, const WireField& field)
      : reader_(reader), field_(field), attribute_(read_attribute(reader.inside(field))) {}

  bool flag() const { return whole(0, 1) == 1; }

  /// Whether it is one that ChakraNode has a value for, which then is set.
  bool read_into(ChakraNode& node) const {
    const std::string_view name = attribute_.name;
    if (name == "is_cpu_op") {
      node.is_cpu_op = flag();
    } else if (name == "num_ops") {
      node.num_ops = size();
    } else if (name == "tensor_size") {
      node.tensor_size = size();
    } else if (name == "comm_type") {
      node.collective = static_cast<ChakraCollective>(whole(0, kCollectives - 1));
    } else if (name == "comm_priority") {
      node.priority = small();
    } else if (name == "comm_size") {
      node.comm_size = size();
    } else if (name == "comm_src") {
      node.source = small();
    } else if (name == "comm_dst") {
      node.destination = small();
    } else if (name == "comm_tag") {
      node.tag = small();
    } else if (name == "pg_name") {
      node.process_group = text();
    } else if (name == "comm_splits") {
      node.splits = list();
    } else {
      return false;
    }
    return true;
  }

 private:
  [[noreturn]] void fail(std::string_view wanted) const {
    refuse(reader_, field_, fmt::format("attribute {} is no {}", attribute_.name, wanted),
           "give one as the Chakra schema has it");
  }

  std::int64_t whole(std::int64_t least, std::int64_t most) const {
    const std::optional<WireField>& value = attribute_.value;
    if (!value || value->type != wire_type_of(value->tag)) fail("whole number");
    std::int64_t number = 0;
    switch (value->tag) {
      case attribute::kInt32:
      case attribute::kInt64:
      case attribute::kUint32:
      case attribute::kUint64:
      case attribute::kBool:
      case attribute::kFixed32:
      case attribute::kFixed64:
      case attribute::kSfixed64:
        // As signed: what is over 2^63 is out of range either way.
        number = static_cast<std::int64_t>(value->number);
        break;
      case attribute::kSfixed32:
        number = static_cast<std::int32_t>(static_cast<std::uint32_t>(value->number));
        break;
      case attribute::kSint32:
      case attribute::kSint64:
        number = undo_zigzag(value->number);
        break;
      default:
        fail("whole number");
    }
    if (number < least || number > most) {
      fail(fmt::format("number from {} to {}", least, most));
    }
    return number;
  }

  std::uint64_t size() const {
    return static_cast<std::uint64_t>(whole(0, std::numeric_limits<std::int64_t>::max()));
  }

  /// An int32 or a uint32.
  std::uint32_t small() const {
    return static_cast<std::uint32_t>(
        whole(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::uint32_t>::max()));
  }

  std::string text() const {
    const std::optional<WireField>& value = attribute_.value;
    if (!value || value->tag != attribute::kString || value->type != WireType::kBytes) fail("text");
    return std::string(value->bytes);
  }

  std::vector<std::uint64_t> list() const {
    const std::optional<WireField>& value = attribute_.value;
    if (!value || value->type != WireType::kBytes ||
        (value->tag != attribute::kInt32List && value->tag != attribute::kInt64List &&
         value->tag != attribute::kUint32List && value->tag != attribute::kUint64List)) {
      fail("list of whole numbers");
    }
    std::vector<std::uint64_t> numbers;
    WireReader values = reader_.inside(*value);
    while (!values.at_end()) {
      const WireField field = values.next();
      if (field.tag != 1) continue;
      append_numbers(values, field, numbers);
    }
    for (const std::uint64_t number : numbers) {
      if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        fail("list of numbers from 0 to 2^63");
      }
    }
    return numbers;
  }

 public:
  /// Of a repeated field of varints, packed or not.
  static void append_numbers(const WireReader& reader, const WireField& field,
                             std::vector<std::uint64_t>& numbers) {
    if (field.type == WireType::kVarint) {
      numbers.push_back(field.number);
      return;
    }
    if (field.type != WireType::kBytes) {
      refuse(reader, field, "is no list of numbers", "give one as the Chakra schema has it");
    }
    WireReader packed = reader.inside(field);
    while (!packed.at_end()) numbers.push_back(packed.varint());
  }

 private:
  const WireReader& reader_;
  const WireField& field_;
  Attribute attribute_;
};

void expect(const WireReader& reader, const WireField& field, WireType type) {
  if (field.type == type) return;
  refuse(reader, field, fmt::format("field {} of a node has the wrong type", field.tag),
         "give a file of the Chakra schema");
}

void read_field(const WireReader& reader, const WireField& field, ChakraNode& node) {
  switch (field.tag) {
    case node::kId:
    case node::kType:
    case node::kStart:
    case node::kDuration:
      expect(reader, field, WireType::kVarint);
      break;
    case node::kName:
    case node::kAttribute:
      expect(reader, field, WireType::kBytes);
      break;
    default:
      break;
  }
  switch (field.tag) {
    case node::kId:
      node.id = field.number;
      break;
    case node::kName:
      node.name = std::string(field.bytes);
      break;
    case node::kType:
      if (field.number >= kKinds) {
        refuse(reader, field, fmt::format("{} is no type of a node", field.number),
               fmt::format("give 0 to {}", kKinds - 1));
      }
      node.kind = static_cast<ChakraKind>(field.number);
      break;
    case node::kControlDeps:
      AttributeReader::append_numbers(reader, field, node.control_deps);
      break;
    case node::kDataDeps:
      AttributeReader::append_numbers(reader, field, node.data_deps);
      break;
    case node::kStart:
      node.start_us = field.number;
      break;
    case node::kDuration:
      node.duration_us = field.number;
      break;
    case node::kAttribute:
      if (!AttributeReader(reader, field).read_into(node)) node.other += field.raw;
      break;
    default:
      node.other += field.raw;
  }
}

void put_packed(std::string& out, std::uint32_t tag, const std::vector<std::uint64_t>& numbers) {
  std::string packed;
  for (const std::uint64_t number : numbers) put_varint(packed, number);
  put_bytes(out, tag, packed);
}

/// A value is there even when it is 0 or empty: presence is what a oneof has.
void put_attribute(std::string& out, std::string_view name, std::uint32_t value_tag,
                   std::uint64_t value, std::uint32_t field = node::kAttribute) {
  std::string attribute;
  put_bytes(attribute, attribute::kName, name);
  put_tag(attribute, value_tag, WireType::kVarint);
  put_varint(attribute, value);
  put_bytes(out, field, attribute);
}

void put_attribute(std::string& out, std::string_view name, std::uint32_t value_tag,
                   std::string_view bytes) {
  std::string attribute;
  put_bytes(attribute, attribute::kName, name);
  put_bytes(attribute, value_tag, bytes);
  put_bytes(out, node::kAttribute, attribute);
}

/// As an int32 is written: negative ones as 64 bits.
std::uint64_t int32_bits(std::uint32_t value) {
  return static_cast<std::uint64_t>(std::int64_t{std::bit_cast<std::int32_t>(value)});
}

void put_attributes(std::string& out, const ChakraNode& node) {
  if (node.is_cpu_op) put_attribute(out, "is_cpu_op", attribute::kBool, *node.is_cpu_op ? 1U : 0U);
  if (node.num_ops) put_attribute(out, "num_ops", attribute::kInt64, *node.num_ops);
  if (node.tensor_size) put_attribute(out, "tensor_size", attribute::kUint64, *node.tensor_size);
  if (node.collective) {
    put_attribute(out, "comm_type", attribute::kInt64,
                  static_cast<std::uint64_t>(*node.collective));
  }
  const auto put_small = [&](std::string_view name, std::optional<std::uint32_t> value) {
    if (value) put_attribute(out, name, attribute::kInt32, int32_bits(*value));
  };
  put_small("comm_priority", node.priority);
  if (node.comm_size) put_attribute(out, "comm_size", attribute::kInt64, *node.comm_size);
  put_small("comm_src", node.source);
  put_small("comm_dst", node.destination);
  put_small("comm_tag", node.tag);
  if (!node.process_group.empty()) {
    put_attribute(out, "pg_name", attribute::kString, node.process_group);
  }
  if (!node.splits.empty()) {
    std::string list;
    put_packed(list, 1, node.splits);
    put_attribute(out, "comm_splits", attribute::kUint64List, list);
  }
}

std::string message_of(const ChakraNode& node) {
  std::string message;
  put_number(message, node::kId, node.id);
  put_bytes(message, node::kName, node.name);
  put_number(message, node::kType, static_cast<std::uint64_t>(node.kind));
  put_packed(message, node::kControlDeps, node.control_deps);
  put_packed(message, node::kDataDeps, node.data_deps);
  put_number(message, node::kStart, node.start_us);
  put_number(message, node::kDuration, node.duration_us);
  put_attributes(message, node);
  message += node.other;
  return message;
}

void put_delimited(std::string& out, std::string_view message) {
  put_varint(out, message.size());
  out += message;
}

}  // namespace

ChakraTrace parse_chakra_trace(std::string_view bytes, std::string_view input) {
  WireReader file(bytes, input);
  if (file.at_end()) throw Error(input, "is empty", "give a Chakra trace, PREFIX.RANK.et");
  ChakraTrace trace;
  WireReader global = file.delimited();
  while (!global.at_end()) {
    const WireField field = global.next();
    if (field.tag == metadata::kVersion && field.type == WireType::kBytes) {
      trace.version = std::string(field.bytes);
    } else if (field.tag == metadata::kAttribute && field.type == WireType::kBytes &&
               read_attribute(global.inside(field)).name == metadata::kOrderOnly) {
      trace.control_deps_order_only = AttributeReader(global, field).flag();
    } else {
      trace.metadata += field.raw;
    }
  }
  while (!file.at_end()) {
    WireReader message = file.delimited();
    ChakraNode& node = trace.nodes.emplace_back();
    while (!message.at_end()) {
      const WireField field = message.next();
      read_field(message, field, node);
    }
  }
  check_chakra_ids(trace, input);
  return trace;
}

void check_chakra_ids(const ChakraTrace& trace, std::string_view input) {
  std::unordered_set<std::uint64_t> ids;
  ids.reserve(trace.nodes.size());
  for (const ChakraNode& node : trace.nodes) {
    if (ids.insert(node.id).second) continue;
    throw Error(input, fmt::format("two nodes have the id {}", node.id),
                "give each node an id of its own");
  }
}

std::string to_chakra_trace(const ChakraTrace& trace) {
  std::string global;
  put_bytes(global, metadata::kVersion, trace.version);
  if (trace.control_deps_order_only) {
    put_attribute(global, metadata::kOrderOnly, attribute::kBool, 1U, metadata::kAttribute);
  }
  global += trace.metadata;
  std::string bytes;
  put_delimited(bytes, global);
  for (const ChakraNode& node : trace.nodes) put_delimited(bytes, message_of(node));
  return bytes;
}

std::filesystem::path chakra_path(const std::string& prefix, std::size_t rank) {
  return fmt::format("{}.{}.et", prefix, rank);
}

}  // namespace mixnet
