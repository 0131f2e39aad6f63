// Any bytes as the YAML of a GPU: a GPU with figures above zero, or an Error of one line.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "hardware/gpu.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const mixnet::Gpu gpu =
        mixnet::parse_gpu_yaml({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
    if (gpu.name.empty() || gpu.source.empty()) std::abort();
    for (const double figure :
         {gpu.peak_bf16_flops, gpu.memory_bytes_per_second, gpu.scale_up_bytes_per_second}) {
      if (!(figure > 0) || !std::isfinite(figure)) std::abort();
    }
    if (!(gpu.peak_fp8_flops >= 0) || gpu.memory.count < 0) std::abort();
  } catch (const mixnet::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
