#include "hardware/gpu_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kLargest = std::size_t{64} << 10;
constexpr std::string_view kExample =
    "a GPU has lines such as 'peak_bf16_tflops: 500' (docs/compute.md)";

struct Key {
  std::string_view name;
  bool is_figure = true;
};

constexpr Key kKeys[] = {{"name", false},          {"title", false},          {"source", false},
                         {"peak_bf16_tflops"},     {"peak_fp8_tflops"},       {"memory_gb"},
                         {"memory_gb_per_second"}, {"scale_up_gb_per_second"}};

Error error_at(std::string_view input, const YAML::Mark& mark, std::string_view problem,
               std::string_view remedy) {
  if (mark.is_null()) return {input, problem, remedy};
  return {fmt::format("{}:{}:{}", input, mark.line + 1, mark.column + 1), problem, remedy};
}

/// Whether JSON can hold it, and a terminal show it.
bool is_plain(const std::string& text) {
  const bool has_control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (has_control) return false;
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

const Key& known_key(const YAML::Node& node, std::string_view input) {
  const std::string name = node.IsScalar() ? node.Scalar() : std::string();
  const auto* const key = std::ranges::find(kKeys, name, &Key::name);
  if (key != std::end(kKeys)) return *key;
  std::vector<std::string> known;
  for (const Key& other : kKeys) known.emplace_back(other.name);
  throw error_at(input, node.Mark(),
                 is_plain(name) ? fmt::format("there is no key '{}'", name) : "is no key",
                 suggest(is_plain(name) ? name : "", known));
}

nlohmann::json value_of(const Key& key, const YAML::Node& node, std::string_view input) {
  if (!node.IsScalar() || !is_plain(node.Scalar())) {
    throw error_at(input, node.Mark(), fmt::format("'{}' has no plain value", key.name),
                   key.is_figure ? "give a number" : "give a text of one line");
  }
  if (!key.is_figure) return node.Scalar();
  const std::optional<double> number = number_in<double>(node.Scalar());
  if (number) return *number;
  throw error_at(input, node.Mark(),
                 fmt::format("'{}' of '{}' is not a number", node.Scalar(), key.name),
                 "give a number, without its unit");
}

nlohmann::json read(const YAML::Node& document, std::string_view input) {
  if (!document.IsMap()) throw Error(input, "describes no GPU", kExample);
  nlohmann::json gpu = nlohmann::json::object();
  for (const auto& pair : document) {
    const Key& key = known_key(pair.first, input);
    if (gpu.contains(key.name)) {
      throw error_at(input, pair.first.Mark(), fmt::format("'{}' is given twice", key.name),
                     "give each key once");
    }
    gpu[std::string(key.name)] = value_of(key, pair.second, input);
  }
  return gpu;
}

}  // namespace

nlohmann::json read_gpu_yaml(std::string_view yaml, std::string_view input) {
  if (yaml.size() > kLargest) throw Error(input, "is larger than 64 KiB", kExample);
  try {
    return read(YAML::Load(std::string(yaml)), input);
  } catch (const YAML::Exception& error) {
    throw error_at(input, error.mark, fmt::format("is not valid YAML ({})", error.msg), kExample);
  }
}

}  // namespace mixnet
