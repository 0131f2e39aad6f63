// The YAML of a user's own GPU, as a flat table of what it says. gpu.h reads the values.
//
//   name: my-gpu
//   peak_bf16_tflops: 500
//   memory_gb: 64
//   ...
//
// Pure. Cost: linear in the text.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace mixnet {

/// An object of the keys of a GPU and their values: numbers where a figure is wanted, texts else.
/// `input` names the text in errors. Throws Error, with the line, on text that is no YAML, no
/// table, over 64 KiB, or not UTF-8, on keys that are unknown or twice there, and on figures that
/// are no numbers. Keys that are missing are not missed here.
nlohmann::json read_gpu_yaml(std::string_view yaml, std::string_view input);

}  // namespace mixnet
