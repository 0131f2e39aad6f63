#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "hardware/gpu.h"

namespace mixnet::cli {
namespace {

std::string json_text() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = find_gpu(name);
    list.push_back({{"name", gpu.name},
                    {"title", gpu.title},
                    {"peak_bf16_flops", gpu.peak_bf16_flops},
                    {"memory_bytes_per_second", gpu.memory_bytes_per_second},
                    {"memory_bytes", gpu.memory.count},
                    {"scale_up_bytes_per_second", gpu.scale_up_bytes_per_second},
                    {"source", gpu.source}});
  }
  const nlohmann::ordered_json document = {{"schema", "mixnet.gpus/1"}, {"gpus", list}};
  return document.dump(2) + "\n";
}

void print_table() {
  TextTable table({{"name", Align::kLeft},
                   {"bf16 TFLOP/s"},
                   {"memory"},
                   {"memory GB/s"},
                   {"NVLink GB/s one way"},
                   {"source", Align::kLeft}});
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = find_gpu(name);
    table.add_row({gpu.name, fmt::format("{:g}", gpu.peak_bf16_flops / 1e12), to_string(gpu.memory),
                   fmt::format("{:g}", gpu.memory_bytes_per_second / 1e9),
                   fmt::format("{:g}", gpu.scale_up_bytes_per_second / 1e9), gpu.source});
  }
  table.print();
}

}  // namespace

void add_gpus_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("gpus", "List the GPUs, their published peaks and source");
  command->footer("Example: mixnet gpus --json gpus.json");
  const auto json = std::make_shared<std::string>();
  command->add_option("--json", *json, "Also write them as JSON ('-': only that)")
      ->type_name("FILE");
  command->callback([json] {
    const bool quiet = answers_on_stdout(*json);
    if (!json->empty()) write_output(*json, json_text());
    if (!quiet) print_table();
  });
}

}  // namespace mixnet::cli
