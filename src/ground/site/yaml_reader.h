// Reading YAML with errors that name the file, line and column of the value.
//
// A YamlReader is a cursor on one value, as JsonReader is for JSON: `reader.at("servers")` steps
// down, typed getters check kind and range, and only_keys() refuses what nobody reads, with the
// name that was likely meant. It holds what it points into. Thread-safe for reading.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/names.h"
#include "base/units.h"

namespace YAML {
class Node;
}

namespace mixnet {

class YamlReader {
 public:
  /// One document of at most 1 MiB. Throws Error for a syntax error. `input` names the file.
  static YamlReader parse(const std::string& text, std::string_view input);

  /// Refuses a mapping with any other key, or one key twice; and what is no mapping.
  void only_keys(std::initializer_list<std::string_view> known) const;
  bool has(std::string_view key) const;       ///< present and not null
  YamlReader at(std::string_view key) const;  ///< throws Error when absent
  std::vector<YamlReader> items() const;      ///< of a sequence; throws Error when it is none
  /// Pairs of a mapping, keys as they are written.
  std::vector<std::pair<std::string, YamlReader>> entries() const;
  bool is_sequence() const;

  /// One line, without control characters, not empty.
  std::string string() const;
  std::string string_or(std::string_view key, std::string_view otherwise) const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  double number(double least, double most) const;
  bool boolean() const;
  Time time() const;  ///< with its unit, "25ms"
  template <NamedEnum Enum>
  Enum choice() const {
    return mixnet::parse<Enum>(string(), place());
  }

  /// "region.yaml:12:7": for errors of the caller's own about this value.
  std::string place() const;

 private:
  YamlReader(const YAML::Node& node, std::string_view input);

  std::shared_ptr<const YAML::Node> node_;
  std::string input_;
};

}  // namespace mixnet
