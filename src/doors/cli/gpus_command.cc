// `mixnet gpus`: what GPUs there are.
#include <fmt/format.h>

#include <string>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/list_command.h"
#include "hardware/gpu.h"

namespace mixnet::cli {
namespace {

Listing gpus() {
  Listing all{.table = TextTable({{"name", Align::kLeft},
                                  {"bf16 TFLOP/s"},
                                  {"fp8 TFLOP/s"},
                                  {"memory"},
                                  {"memory GB/s"},
                                  {"scale-up GB/s one way"},
                                  {"source", Align::kLeft}}),
              .list = nlohmann::ordered_json::array()};
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = find_gpu(name);
    all.table.add_row(
        {gpu.name, fmt::format("{:g}", gpu.peak_bf16_flops / 1e12),
         gpu.peak_fp8_flops > 0 ? fmt::format("{:g}", gpu.peak_fp8_flops / 1e12) : "-",
         to_string(gpu.memory), fmt::format("{:g}", gpu.memory_bytes_per_second / 1e9),
         fmt::format("{:g}", gpu.scale_up_bytes_per_second / 1e9), gpu.source});
    all.list.push_back(
        {{"name", gpu.name},
         {"title", gpu.title},
         {"peak_bf16_flops", gpu.peak_bf16_flops},
         {"peak_fp8_flops", gpu.peak_fp8_flops > 0 ? nlohmann::ordered_json(gpu.peak_fp8_flops)
                                                   : nlohmann::ordered_json()},
         {"memory_bytes_per_second", gpu.memory_bytes_per_second},
         {"memory_bytes", gpu.memory.count},
         {"scale_up_bytes_per_second", gpu.scale_up_bytes_per_second},
         {"source", gpu.source}});
  }
  return all;
}

}  // namespace

void add_gpus_command(Program& app) {
  add_list_command(app, "gpus", "List the GPUs, their published peaks and source", gpus);
}

}  // namespace mixnet::cli
