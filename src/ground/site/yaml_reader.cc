#include "site/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "base/suggest.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;

bool is_one_line(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

std::string place_of(std::string_view input, const YAML::Mark& mark) {
  if (mark.is_null()) return std::string(input);
  return fmt::format("{}:{}:{}", input, mark.line + 1, mark.column + 1);
}

}  // namespace

YamlReader::YamlReader(const YAML::Node& node, std::string_view input)
    : node_(std::make_shared<const YAML::Node>(node)), input_(input) {}

YamlReader YamlReader::parse(const std::string& text, std::string_view input) {
  if (text.size() > kLargest) throw Error(input, "is over 1 MiB", "a file of settings");
  try {
    return {YAML::Load(text), input};
  } catch (const YAML::Exception& error) {
    throw Error(place_of(input, error.mark), error.msg, "YAML (yaml.org)");
  }
}

std::string YamlReader::place() const { return place_of(input_, node_->Mark()); }

std::vector<std::pair<std::string, YamlReader>> YamlReader::entries() const {
  if (!node_->IsMap()) throw Error(place(), "is no mapping", "lines such as 'key: value'");
  std::vector<std::pair<std::string, YamlReader>> entries;
  std::set<std::string> names;
  for (const auto& pair : *node_) {
    const YamlReader key(pair.first, input_);
    std::string name = key.string();
    if (!names.insert(name).second)
      throw Error(key.place(), fmt::format("'{}' is given twice", shown(name)), "once");
    entries.emplace_back(std::move(name), YamlReader(pair.second, input_));
  }
  return entries;
}

void YamlReader::only_keys(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : entries()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    throw Error(value.place(), fmt::format("there is no key '{}'", shown(name)),
                suggest(name, names));
  }
}

bool YamlReader::has(std::string_view key) const {
  if (!node_->IsMap()) return false;
  const YAML::Node value = (*node_)[std::string(key)];
  return value.IsDefined() && !value.IsNull();
}

YamlReader YamlReader::at(std::string_view key) const {
  if (!node_->IsMap()) throw Error(place(), "is no mapping", fmt::format("it needs '{}: …'", key));
  if (!has(key)) throw Error(place(), fmt::format("'{}' is missing", key), "");
  return {(*node_)[std::string(key)], input_};
}

bool YamlReader::is_sequence() const { return node_->IsSequence(); }

std::vector<YamlReader> YamlReader::items() const {
  if (!node_->IsSequence()) throw Error(place(), "is no list", "as in [1, 2] or lines of '- …'");
  std::vector<YamlReader> items;
  for (const YAML::Node& item : *node_) items.push_back(YamlReader(item, input_));
  return items;
}

std::string YamlReader::string() const {
  if (!node_->IsScalar() || !is_one_line(node_->Scalar())) {
    throw Error(place(), "is no text of one line", "");
  }
  return node_->Scalar();
}

std::string YamlReader::string_or(std::string_view key, std::string_view otherwise) const {
  return has(key) ? at(key).string() : std::string(otherwise);
}

std::int64_t YamlReader::integer(std::int64_t least, std::int64_t most) const {
  const std::string text = string();
  const auto number = number_in<std::int64_t>(text);
  if (number && *number >= least && *number <= most) return *number;
  throw Error(place(), fmt::format("'{}' is no such number", shown(text)),
              fmt::format("a whole number from {} to {}", least, most));
}

double YamlReader::number(double least, double most) const {
  const std::string text = string();
  const auto number = number_in<double>(text);
  if (number && std::isfinite(*number) && *number >= least && *number <= most) return *number;
  throw Error(place(), fmt::format("'{}' is no such number", shown(text)),
              fmt::format("from {} to {}", least, most));
}

bool YamlReader::boolean() const {
  const std::string text = string();
  if (text == "true" || text == "yes") return true;
  if (text == "false" || text == "no") return false;
  throw Error(place(), fmt::format("'{}' is neither", shown(text)), "yes or no");
}

Time YamlReader::time() const { return parse_time(string(), place()); }

}  // namespace mixnet
