#include "hardware/gpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/suggest.h"
#include "base/text_file.h"
#include "hardware/gpu_yaml.h"

namespace mixnet {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// A figure in units of `scale`, which must be above zero and below what any GPU has.
double figure(const JsonReader& gpu, std::string_view key, double scale) {
  const JsonReader value = gpu.at(key);
  const double number = value.number();
  if (number <= 0 || number > 1e9) {
    throw Error(value.place(), fmt::format("{} is out of range", number),
                "give a number above 0 and up to 1e9");
  }
  return number * scale;
}

/// A GPU but for its source.
Gpu parse_gpu(const JsonReader& reader) {
  Gpu gpu;
  gpu.name = reader.at("name").string();
  if (gpu.name.empty()) throw Error(reader.at("name").place(), "is empty", "name the GPU");
  gpu.title = reader.string_or("title", gpu.name);
  gpu.peak_bf16_flops = figure(reader, "peak_bf16_tflops", 1e12);
  if (reader.has("peak_fp8_tflops")) gpu.peak_fp8_flops = figure(reader, "peak_fp8_tflops", 1e12);
  gpu.memory_bytes_per_second = figure(reader, "memory_gb_per_second", 1e9);
  gpu.memory = Bytes{std::llround(figure(reader, "memory_gb", 1e9))};
  gpu.scale_up_bytes_per_second = figure(reader, "scale_up_gb_per_second", 1e9);
  return gpu;
}

bool is_yaml_file(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

std::vector<Gpu> shipped_gpus() {
  const std::filesystem::path path = data_directory() / "gpus.json";
  return parse_gpus(read_text_file(path), path.string());
}

std::vector<std::string> names_of(const std::vector<Gpu>& gpus) {
  std::vector<std::string> names;
  for (const Gpu& gpu : gpus) names.push_back(gpu.name);
  return names;
}

}  // namespace

std::vector<Gpu> parse_gpus(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(json, input);
  const JsonReader list = JsonReader(document, input).at("gpus");
  std::vector<Gpu> gpus;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Gpu gpu = parse_gpu(list.at(i));
    gpu.source = list.at(i).at("source").string();
    for (const Gpu& other : gpus) {
      if (!same_name(other.name, gpu.name)) continue;
      throw Error(list.at(i).place(), fmt::format("'{}' is there twice", gpu.name),
                  "give every GPU a name of its own");
    }
    gpus.push_back(std::move(gpu));
  }
  if (gpus.empty()) throw Error(list.place(), "is empty", "describe at least one GPU");
  return gpus;
}

Gpu parse_gpu_yaml(std::string_view yaml, std::string_view input) {
  const nlohmann::json document = read_gpu_yaml(yaml, input);
  const JsonReader reader(document, input);
  Gpu gpu = parse_gpu(reader);
  gpu.source = reader.string_or("source", fmt::format("{}, a file of the user's", input));
  return gpu;
}

std::vector<std::string> gpu_names() { return names_of(shipped_gpus()); }

Gpu find_gpu(std::string_view name, std::string_view input) {
  if (is_yaml_file(name)) {
    return parse_gpu_yaml(read_text_file(std::filesystem::path(name)), name);
  }
  const std::vector<Gpu> gpus = shipped_gpus();
  for (const Gpu& gpu : gpus) {
    if (same_name(gpu.name, name)) return gpu;
  }
  throw Error(input, fmt::format("'{}' is not known", name), suggest(name, names_of(gpus)));
}

}  // namespace mixnet
