// `mixnet ocs power` and `watch`: what a switch sees, and what it tells.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text_fields.h"
#include "commands.h"
#include "ocs/switch_error.h"
#include "shell/output.h"
#include "site/region_site.h"
#include "switch_flags.h"

namespace mixnet::ocs {
namespace {

constexpr std::chrono::seconds kOneWait{30};
constexpr std::chrono::milliseconds kTryAgain{1'000};

struct PowerFlags {
  SwitchFlags device;
  std::string ports;
  std::string json;
};

std::string decibels(const std::optional<double>& dbm) {
  return dbm ? fmt::format("{:.2f}", *dbm) : "-";
}

void show_power(const PowerFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  std::vector<int> asked;
  if (!flags.ports.empty()) asked = parse_positions(flags.ports, "PORTS", kMostPositions);
  const std::unique_ptr<OpticalSwitch> device = flags.device.open();
  const std::vector<PortReading> readings = device->ports(asked, flags.device.dead_line());
  if (!flags.json.empty()) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const PortReading& reading : readings) {
      nlohmann::ordered_json entry = {{"port", reading.port}, {"state", to_string(reading.state)}};
      entry["input_dbm"] = reading.input_dbm ? nlohmann::ordered_json(*reading.input_dbm) : nullptr;
      entry["output_dbm"] =
          reading.output_dbm ? nlohmann::ordered_json(*reading.output_dbm) : nullptr;
      list.push_back(std::move(entry));
    }
    cli::write_output(flags.json, list.dump(2) + "\n");
  }
  if (quiet) return;
  cli::TextTable table({{"port"}, {"state", cli::Align::kLeft}, {"in, dBm"}, {"out, dBm"}});
  for (const PortReading& reading : readings) {
    table.add_row({fmt::to_string(reading.port), std::string(to_string(reading.state)),
                   decibels(reading.input_dbm), decibels(reading.output_dbm)});
  }
  table.print();
}

void print_now(std::string_view text) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(system_env().wall_now());
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  cli::write_output("-", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {}\n", fmt::gmtime(seconds),
                                     now.time_since_epoch().count() % 1'000, text));
}

[[noreturn]] void watch(const SwitchFlags& flags) {
  const std::unique_ptr<OpticalSwitch> device = flags.open();
  // What is wrong from the start is an error; what goes wrong later is news.
  const std::string identity = device->capabilities(flags.dead_line()).identity;
  print_now(fmt::format("watching {}", identity));
  bool is_lost = false;
  for (;;) {
    try {
      const auto events = device->events(system_env().monotonic_now() + kOneWait);
      if (is_lost) print_now("back");
      is_lost = false;
      for (const SwitchEvent& event : events) {
        const std::string port = event.port == 0 ? "" : fmt::format("port {}: ", event.port);
        print_now(
            fmt::format("{}: {}{} ({})", to_string(event.level), port, event.text, event.code));
      }
    } catch (const SwitchError& error) {
      if (!std::exchange(is_lost, true)) print_now(error.what());
      system_env().sleep_until(system_env().monotonic_now() + kTryAgain);
    }
  }
}

}  // namespace

void add_power_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("power", "State and optical power of ports");
  const auto flags = std::make_shared<PowerFlags>();
  command->add_option("PORTS", flags->ports, "As in 1-8,17 (all)");
  flags->device.add(*command);
  command->add_option("--json", flags->json, "Also as JSON to this file (-: standard output)");
  command->footer("Example: mixnet ocs power 1-8 --switch tl1://admin@10.0.0.5");
  command->callback([flags] { show_power(*flags); });
}

void add_watch_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("watch", "Alarms as they come, until interrupted");
  const auto flags = std::make_shared<SwitchFlags>();
  flags->add(*command);
  command->footer("Example: mixnet ocs watch --switch tl1://admin@10.0.0.5");
  command->callback([flags] { watch(*flags); });
}

}  // namespace mixnet::ocs
