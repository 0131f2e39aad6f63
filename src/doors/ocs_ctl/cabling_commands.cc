// `mixnet ocs verify-cabling`, and the agent that it runs on servers.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/instant.h"
#include "base/progress.h"
#include "base/units.h"
#include "cabling/cabling_survey.h"
#include "cabling/nic_agent.h"
#include "commands.h"
#include "drivers/open_switch.h"
#include "shell/output.h"
#include "switch_flags.h"

namespace mixnet::ocs {
namespace {

constexpr std::chrono::seconds kAgentsStart{20};

struct VerifyFlags {
  std::string config;
  std::string address;
  std::string by = "frames";
  std::string settle = "1s";
  std::string agent;
  std::string json;
  double least_dbm = -10;
  double most_loss_db = 4;
  bool interrupt = false;
};

std::chrono::milliseconds milliseconds_of(const std::string& text, const std::string& flag) {
  const Time time = parse_time(text, flag);
  if (time < Time::milliseconds(1) || time > Time::seconds(600)) {
    throw Error(flag, fmt::format("'{}' is out of range", text), "1 ms to 10 min");
  }
  return std::chrono::milliseconds(time.ps / Time::milliseconds(1).ps);
}

/// What starts the agent on a server: this program, unless another is named.
std::vector<std::string> agent_command(const std::string& agent, std::uint64_t run) {
  std::string program = agent;
  if (program.empty()) {
    program = system_env().real_path("/proc/self/exe").string();
  }
  return {program, "nic-agent", "--run", fmt::to_string(run)};
}

nlohmann::ordered_json number_or_null(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
}

std::string as_json(const SurveyReport& report) {
  nlohmann::ordered_json nics = nlohmann::ordered_json::array();
  for (const NicFinding& nic : report.nics) {
    nics.push_back({{"nic", nic.name},
                    {"port", nic.position},
                    {"sends_into", nic.found.sends_into},
                    {"hears_from", nic.found.hears_from},
                    {"input_dbm", number_or_null(nic.input_dbm)},
                    {"loss_db", number_or_null(nic.loss_db)},
                    {"faults", nic.faults}});
  }
  const nlohmann::ordered_json document = {
      {"ok", report.ok()}, {"nics", nics}, {"circuits", report.circuits}};
  return document.dump(2) + "\n";
}

void print(const SurveyReport& report) {
  cli::TextTable table({{"NIC", cli::Align::kLeft},
                        {"port"},
                        {"in, dBm"},
                        {"loss, dB"},
                        {"verdict", cli::Align::kLeft}});
  std::size_t wrong = 0;
  for (const NicFinding& nic : report.nics) {
    std::string verdict = nic.faults.empty() ? "ok" : "";
    for (const std::string& fault : nic.faults) verdict += (verdict.empty() ? "" : "; ") + fault;
    const auto decibels = [](const std::optional<double>& number) {
      return number ? fmt::format("{:.1f}", *number) : std::string("-");
    };
    const std::size_t row =
        table.add_row({nic.name, fmt::to_string(nic.position), decibels(nic.input_dbm),
                       decibels(nic.loss_db), verdict});
    if (nic.faults.empty()) continue;
    table.make_bold(row, 4);
    ++wrong;
  }
  table.print();
  std::string text;
  for (const std::string& circuit : report.circuits) {
    text += fmt::format("switch: {}\n", circuit);
  }
  text += wrong == 0 && report.circuits.empty()
              ? fmt::format("all {} NICs are plugged in as they should be\n", report.nics.size())
              : fmt::format("{} of {} NICs are not as they should be\n", wrong, report.nics.size());
  cli::write_output("-", text);
}

volatile std::sig_atomic_t stop_signal = 0;

/// From now on Ctrl-C and the like end the survey in order; the second time, at once.
void stop_in_order() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { stop_signal = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

void verify(const VerifyFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  SurveyOptions options;
  options.by = parse<SurveyBy>(flags.by, "--by");
  options.interrupt = flags.interrupt;
  options.settle = milliseconds_of(flags.settle, "--settle");
  options.least_dbm = flags.least_dbm;
  options.most_loss_db = flags.most_loss_db;
  const RegionSite site = read_region_site(flags.config);
  const std::string address = flags.address.empty() ? site.switch_url : flags.address;
  if (address.empty()) {
    throw Error(flags.config, "it names no switch", "'switch: tl1://...' in it, or --switch");
  }
  const OpticalNics nics = optical_nics(site);
  if (nics.positions.empty()) throw Error(flags.config, "no NIC has an 'ocs' port", "");
  const std::unique_ptr<OpticalSwitch> device = open_switch(
      parse_switch_address(address, flags.address.empty() ? site.input : "--switch"), site.ports);
  const auto now = system_env().monotonic_now();
  NicProbe probe(
      site, agent_command(flags.agent, static_cast<std::uint64_t>(now.time_since_epoch().count())),
      now + kAgentsStart);
  const std::size_t steps = nics.positions.size() * (options.by == SurveyBy::kPower ? 2 : 1);
  ProgressBar bar("verify-cabling", steps);
  options.progress = [&bar](std::size_t, std::size_t) { bar.advance(); };
  options.is_stopped = [] { return stop_signal != 0; };
  stop_in_order();
  const SurveyReport report = survey_cabling(*device, probe, nics, options);
  if (!flags.json.empty()) cli::write_output(flags.json, as_json(report));
  if (!quiet) print(report);
  if (!report.ok()) throw CLI::RuntimeError(kNotAsAsked);
}

}  // namespace

void add_verify_cabling_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "verify-cabling", "Light one circuit at a time: find swapped fibres and weak light");
  const auto flags = std::make_shared<VerifyFlags>();
  command->add_option("--config", flags->config, "region.yaml: servers, NICs and their ports")
      ->required();
  command->add_option("--switch", flags->address, "Its address, in place of the file's");
  command->add_option("--by", flags->by,
                      "frames: NICs send and listen; carrier: whether NICs see light; power: the\n"
                      "switch's meters, a NIC down at a time (frames)");
  command->add_flag("--interrupt", flags->interrupt,
                    "Take down circuits that stand, and put them back afterwards");
  command->add_option("--settle", flags->settle, "Until light is up at a NIC, at most (1s)");
  command->add_option("--least-dbm", flags->least_dbm, "Less light than this is weak (-10)");
  command->add_option("--most-loss-db", flags->most_loss_db,
                      "A path through the switch that loses more is bad (4)");
  command->add_option("--agent", flags->agent,
                      "This program, as servers find it (as this machine does)");
  command->add_option("--json", flags->json, "Also as JSON to this file (-: standard output)");
  command->footer(
      "Example: mixnet ocs verify-cabling --config region.yaml\n"
      "Status 3: something is not as it should be. docs/ocs.md shows a region.yaml.");
  command->callback([flags] { verify(*flags); });
}

void add_nic_agent_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("nic-agent", "Run by verify-cabling on each server");
  const auto run = std::make_shared<std::uint64_t>(0);
  command->add_option("--run", *run, "Number of the survey");
  command->footer("Example: mixnet ocs nic-agent --run 7");
  command->group("");  // for programs
  command->callback([run] { serve_nic_agent(*run, std::cin, std::cout); });
}

}  // namespace mixnet::ocs
