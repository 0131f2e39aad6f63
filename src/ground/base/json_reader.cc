#include "base/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr int kMaxDepth = 100;

std::string abbreviated(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

Error syntax_error(std::string_view text, std::string_view input, std::size_t byte) {
  const std::size_t offset = std::min(byte, text.size());
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : text.substr(0, offset > 0 ? offset - 1 : 0)) {
    c == '\n' ? (++line, column = 1) : ++column;
  }
  return Error(fmt::format("{}:{}:{}", input, line, column),
               offset >= text.size() ? "JSON ends too early" : "is not valid JSON",
               "give one complete JSON document");
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view input,
                          const nlohmann::json::parser_callback_t& take) {
  const auto guarded = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (depth > kMaxDepth) throw Error(input, "nests deeper than 100 levels");
    return !take || take(depth, event, value);
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), guarded);
  } catch (const nlohmann::json::parse_error& error) {
    throw syntax_error(text, input, error.byte);
  } catch (const nlohmann::json::exception&) {
    throw Error(input, "holds a number that does not fit");
  }
}

JsonReader::JsonReader(const nlohmann::json& value, std::string_view input)
    : value_(&value), input_(input) {}

std::string JsonReader::place() const {
  return path_.empty() ? input_ : fmt::format("{} (key '{}')", input_, path_);
}

void JsonReader::refuse(std::string_view wanted) const {
  throw Error(place(), fmt::format("{} is not {}", abbreviated(*value_), wanted));
}

bool JsonReader::has(std::string_view key) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(std::string(key));
  return found != value_->end() && !found->is_null();
}

JsonReader JsonReader::at(std::string_view key) const {
  if (!has(key)) throw Error(place(), fmt::format("key '{}' is missing", key));
  JsonReader child((*value_)[std::string(key)], input_);
  child.path_ = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  return child;
}

JsonReader JsonReader::at(std::size_t index) const {
  if (index >= size()) throw Error(place(), fmt::format("has no element {}", index));
  JsonReader child((*value_)[index], input_);
  child.path_ = fmt::format("{}[{}]", path_, index);
  return child;
}

std::size_t JsonReader::size() const {
  if (!value_->is_array()) refuse("an array");
  return value_->size();
}

std::vector<std::string> JsonReader::keys() const {
  if (!value_->is_object()) refuse("an object");
  std::vector<std::string> names;
  for (const auto& item : value_->items()) names.push_back(item.key());
  return names;
}

std::string JsonReader::string() const {
  if (!value_->is_string()) refuse("a string");
  return value_->get<std::string>();
}

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

double JsonReader::number(double least) const {
  if (!value_->is_number()) refuse("a number");
  const double number = value_->get<double>();
  if (!std::isfinite(number)) refuse("a finite number");
  if (number < least) refuse(fmt::format("a number of at least {}", least));
  return number;
}

std::int64_t JsonReader::integer(std::int64_t least, std::int64_t most) const {
  const double value = number(static_cast<double>(least));
  if (value != std::floor(value)) refuse("a whole number");
  if (value > static_cast<double>(most)) refuse(fmt::format("a whole number up to {}", most));
  return static_cast<std::int64_t>(value);
}

double JsonReader::number_or(std::string_view key, double otherwise, double least) const {
  return has(key) ? at(key).number(least) : otherwise;
}
bool JsonReader::boolean_or(std::string_view key, bool otherwise) const {
  return has(key) ? at(key).boolean() : otherwise;
}
std::string JsonReader::string_or(std::string_view key, std::string_view otherwise) const {
  return has(key) ? at(key).string() : std::string(otherwise);
}

}  // namespace mixnet
