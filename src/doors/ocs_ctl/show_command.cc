// `mixnet ocs show`: what a switch is, and what it joins.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "shell/output.h"
#include "switch_flags.h"

namespace mixnet::ocs {
namespace {

struct ShowFlags {
  SwitchFlags device;
  std::string json;
};

void show(const ShowFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  const std::unique_ptr<OpticalSwitch> device = flags.device.open();
  const MonotonicTime dead_line = flags.device.dead_line();
  const CrossConnects joined = device->cross_connects(dead_line);
  const SwitchCapabilities is = device->capabilities(dead_line);
  if (!flags.json.empty()) {
    nlohmann::ordered_json circuits = nlohmann::ordered_json::array();
    for (const OpticalCircuit& circuit : joined.circuits)
      circuits.push_back({circuit.a, circuit.b});
    nlohmann::ordered_json halves = nlohmann::ordered_json::array();
    for (const LightPath& half : joined.halves) halves.push_back({half.from, half.to});
    const nlohmann::ordered_json document = {
        {"identity", is.identity}, {"ports", is.ports},   {"sides", to_string(is.sides)},
        {"batch", is.batch},       {"atomic", is.atomic}, {"power", is.power},
        {"circuits", circuits},    {"halves", halves},    {"taken", joined.taken}};
    cli::write_output(flags.json, document.dump(2) + "\n");
  }
  if (quiet) return;
  std::string text = fmt::format("{}: {} ports, {} a change\n", is.identity, is.ports,
                                 is.atomic ? "all or nothing" : "pair by pair");
  const std::size_t count = joined.circuits.size();
  text += fmt::format("{} circuit{}\n", count, count == 1 ? "" : "s");
  for (const OpticalCircuit& circuit : joined.circuits) {
    text += fmt::format("  {}-{}\n", circuit.a, circuit.b);
  }
  for (const LightPath& half : joined.halves) {
    text += fmt::format("  {} to {}, one way only\n", half.from, half.to);
  }
  for (const int port : joined.taken) {
    text += fmt::format("  {} leads out of the slice\n", port);
  }
  cli::write_output("-", text);
}

}  // namespace

void add_show_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("show", "What a switch is, and what it joins");
  const auto flags = std::make_shared<ShowFlags>();
  flags->device.add(*command);
  command->add_option("--json", flags->json, "Also as JSON to this file (-: standard output)");
  command->footer("Example: mixnet ocs show --switch tl1://admin@10.0.0.5");
  command->callback([flags] { show(*flags); });
}

}  // namespace mixnet::ocs
