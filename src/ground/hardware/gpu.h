// The GPUs that training can be simulated on: published peaks, nothing measured.
//
// The figures are the maker's for the SXM module in an 8-GPU server: dense bf16 (half of the
// figure "with sparsity" where data sheets print only that), HBM bandwidth and size, and NVLink in
// one direction (data sheets print the sum of both). What training reaches of these peaks is the
// simulator's efficiency, not a property of the GPU. Data: data/gpus.json, which names its sources.
//
// Thread-safe. Cost: reads one small file each time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace mixnet {

struct Gpu {
  std::string name;            ///< as typed by users: "h100"
  std::string title;           ///< as people write it: "NVIDIA H100 SXM5 80 GB"
  std::string source;          ///< where the figures are from
  double peak_bf16_flops = 0;  ///< dense, FLOP/s
  double memory_bytes_per_second = 0;
  Bytes memory;
  double scale_up_bytes_per_second = 0;  ///< NVLink of one GPU, one direction
};

/// In the data file's order: oldest first.
std::vector<std::string> gpu_names();

/// Case does not matter. Throws Error with a did-you-mean when there is no such GPU.
Gpu find_gpu(std::string_view name, std::string_view input = "--gpu");

/// The GPUs that a data file's text describes; `input` names it in errors. See data/gpus.json.
/// Throws Error on a value that is missing, not positive or not finite, and on a name used twice.
std::vector<Gpu> parse_gpus(std::string_view json, std::string_view input);

}  // namespace mixnet
