// Reading JSON with errors that name the file and the path of the value in it.
//
// A JsonReader is a cursor on one value of a parsed document: `reader.at("hidden_size")` steps down
// and remembers the way, and the typed getters check kind and range. The document must outlive its
// readers. Thread-safe for reading.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace mixnet {

/// Parses `text`; a syntax error becomes an Error with the line and column. `input` names the file.
/// Nesting deeper than 100 levels is refused.
/// `take` sees each part as nlohmann's parser comes by it, and keeps it, or does not.
nlohmann::json parse_json(std::string_view text, std::string_view input,
                          const nlohmann::json::parser_callback_t& take = nullptr);

class JsonReader {
 public:
  JsonReader(const nlohmann::json& value, std::string_view input);

  bool has(std::string_view key) const;       ///< present and not null
  JsonReader at(std::string_view key) const;  ///< throws Error when absent or null
  JsonReader at(std::size_t index) const;
  std::size_t size() const;               ///< elements of an array; throws Error when it is none
  std::vector<std::string> keys() const;  ///< of an object; throws Error when it is none

  std::string string() const;
  bool boolean() const;
  /// Finite, and at least `least`.
  double number(double least = 0) const;
  /// Whole, and in [least, most]; 8.0 is taken for 8.
  std::int64_t integer(std::int64_t least = 0, std::int64_t most = std::int64_t{1} << 53) const;
  /// The value that a string names (names.h).
  template <NamedEnum Enum>
  Enum choice() const {
    return parse<Enum>(string(), place());
  }

  double number_or(std::string_view key, double otherwise, double least = 0) const;
  bool boolean_or(std::string_view key, bool otherwise) const;
  std::string string_or(std::string_view key, std::string_view otherwise) const;

  /// "config.json (key 'rope.base')": for errors of the caller's own about this value.
  std::string place() const;
  const nlohmann::json& value() const { return *value_; }

 private:
  [[noreturn]] void refuse(std::string_view wanted) const;

  const nlohmann::json* value_;
  std::string input_;
  std::string path_;
};

}  // namespace mixnet
