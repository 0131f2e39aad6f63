// The GPUs that training can be simulated on: published peaks, nothing measured.
//
// The figures are the maker's for the module in a server (SXM, OAM, or a rack's board): dense bf16
// and fp8 (half of the figure "with sparsity" where data sheets print only that), HBM bandwidth and
// size, and the links between a server's GPUs (NVLink, Infinity Fabric) in one direction (data
// sheets print the sum of both). What training reaches of these peaks is the simulator's
// efficiency, not a property of the GPU. Data: data/gpus.json, which names its sources; a user's
// own GPU is a YAML file of the same keys (docs/compute.md).
//
// Thread-safe. Cost: reads one small file each time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace mixnet {

/// Of scale_up_bytes_per_second, what collectives of large messages reach: all-to-all of NCCL 0.74
/// (335 of 450 GB/s on H100, NVIDIA/nccl issue 2169), of DeepEP 0.77 to 0.81 (153 and 158 of 200 on
/// H800, 726 of 900 on Blackwell, its README and docs/legacy.md).
inline constexpr double kScaleUpShare = 0.77;

struct Gpu {
  std::string name;            ///< as typed by users: "h100"
  std::string title;           ///< as people write it: "NVIDIA H100 SXM5 80 GB"
  std::string source;          ///< where the figures are from
  double peak_bf16_flops = 0;  ///< dense, FLOP/s
  double peak_fp8_flops = 0;   ///< the same; 0 when it has no fp8
  double memory_bytes_per_second = 0;
  Bytes memory;
  double scale_up_bytes_per_second = 0;  ///< of one GPU to its server's, one direction
};

/// In the data file's order: oldest first.
std::vector<std::string> gpu_names();

/// The GPU of that name, case does not matter; of a name that ends in .yaml or .yml, the one that
/// the file describes. Throws Error, with a did-you-mean, when there is no such GPU.
Gpu find_gpu(std::string_view name, std::string_view input = "--gpu");

/// The GPU that a user's YAML describes: name, peak_bf16_tflops, memory_gb, memory_gb_per_second,
/// scale_up_gb_per_second, and, if it likes, title, source and peak_fp8_tflops. Throws Error on a
/// key that is missing, unknown or twice there, on values as parse_gpus() does, and on text that
/// is no YAML or over 64 KiB.
Gpu parse_gpu_yaml(std::string_view yaml, std::string_view input);

/// The GPUs that a data file's text describes; `input` names it in errors. See data/gpus.json.
/// Throws Error on a value that is missing, not positive or not finite, and on a name used twice.
std::vector<Gpu> parse_gpus(std::string_view json, std::string_view input);

}  // namespace mixnet
