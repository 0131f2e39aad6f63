// `mixnet ocs connect` and `disconnect`: circuits by hand.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/text_fields.h"
#include "commands.h"
#include "shell/output.h"
#include "switch_flags.h"

namespace mixnet::ocs {
namespace {

struct ChangeFlags {
  SwitchFlags device;
  std::vector<std::string> pairs;
  bool replace = false;
};

std::string_view what_happened(const PairResult& pair) {
  switch (pair.outcome) {
    case PairOutcome::kDone:
      return pair.connect ? "connected" : "disconnected";
    case PairOutcome::kAlready:
      return pair.connect ? "was connected already" : "was not connected";
    case PairOutcome::kBusy:
      return "not connected: a port is in use (--replace takes it)";
    case PairOutcome::kDenied:
      return "denied";
    case PairOutcome::kDisobeyed:
      return "the switch says that it did, and did not";
  }
  return "";
}

/// What these ports are in, halves as well.
std::set<OpticalCircuit> circuits_at(const std::set<int>& ports, const CrossConnects& joined) {
  std::set<OpticalCircuit> found;
  const auto consider = [&](int a, int b) {
    if (ports.contains(a) || ports.contains(b)) found.insert({std::min(a, b), std::max(a, b)});
  };
  for (const OpticalCircuit& circuit : joined.circuits) consider(circuit.a, circuit.b);
  for (const LightPath& half : joined.halves) consider(half.from, half.to);
  return found;
}

void carry_out(OpticalSwitch& device, const SwitchChange& change, const ChangeFlags& flags) {
  const ChangeReport report = device.apply(change, flags.device.dead_line());
  std::string text;
  for (const PairResult& pair : report.pairs) {
    const auto [a, b] = pair.circuit;
    text += fmt::format("{} {}{}{}\n", a == b ? fmt::to_string(a) : fmt::format("{}-{}", a, b),
                        what_happened(pair),
                        pair.reason.empty() || pair.outcome == PairOutcome::kBusy ? "" : ": ",
                        pair.outcome == PairOutcome::kBusy ? "" : pair.reason);
  }
  if (report.turn_around > Duration::zero()) {
    text += fmt::format("in {}, read back\n", to_string(report.turn_around.to_time()));
  }
  cli::write_output("-", text);
  if (!report.complete()) throw CLI::RuntimeError(kNotAsAsked);
}

void connect(const ChangeFlags& flags) {
  SwitchChange change;
  std::set<int> named;
  for (const std::string& word : flags.pairs) {
    change.connect.push_back(parse_circuit(word, "PAIR"));
    named.insert({change.connect.back().a, change.connect.back().b});
  }
  const std::unique_ptr<OpticalSwitch> device = flags.device.open();
  if (flags.replace) {
    const CrossConnects joined = device->cross_connects(flags.device.dead_line());
    for (const OpticalCircuit& circuit : circuits_at(named, joined)) {
      const bool wanted = std::ranges::find(change.connect, circuit) != change.connect.end();
      if (!wanted) change.disconnect.push_back(circuit);
    }
  }
  carry_out(*device, change, flags);
}

void disconnect(const ChangeFlags& flags) {
  const std::unique_ptr<OpticalSwitch> device = flags.device.open();
  const CrossConnects joined = device->cross_connects(flags.device.dead_line());
  SwitchChange change;
  bool all_ours = true;
  for (const std::string& word : flags.pairs) {
    if (word.find('-') != std::string::npos) {
      change.disconnect.push_back(parse_circuit(word, "PORT"));
      continue;
    }
    const auto port = number_in<int>(word);
    if (!port) {
      throw Error("PORT", fmt::format("'{}' is neither", shown(word)), "a port or pair: 1, 1-17");
    }
    if (std::ranges::binary_search(joined.taken, *port)) {
      cli::write_output("-", fmt::format("{} leads out of the slice: left alone\n", *port));
      all_ours = false;
      continue;
    }
    const std::set<OpticalCircuit> found = circuits_at({*port}, joined);
    change.disconnect.insert(change.disconnect.end(), found.begin(), found.end());
    // Of what is in none it is asked as well: a port that there is not, or not for us, is an error.
    if (found.empty()) change.disconnect.push_back({*port, *port});
  }
  std::ranges::sort(change.disconnect);
  const auto twice = std::ranges::unique(change.disconnect);
  change.disconnect.erase(twice.begin(), twice.end());
  carry_out(*device, change, flags);
  if (!all_ours) throw CLI::RuntimeError(kNotAsAsked);
}

}  // namespace

void add_connect_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("connect", "Join pairs of ports");
  const auto flags = std::make_shared<ChangeFlags>();
  command->add_option("PAIR", flags->pairs, "As in 1-17; several at once are one change")
      ->required();
  command->add_flag("--replace", flags->replace, "Free their ports first, whatever they are in");
  flags->device.add(*command);
  command->footer(
      "Example: mixnet ocs connect 1-17 2-18 --switch tl1://admin@10.0.0.5\n"
      "Status 3: not all of it was done.");
  command->callback([flags] { connect(*flags); });
}

void add_disconnect_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("disconnect", "Part ports, or pairs of them");
  const auto flags = std::make_shared<ChangeFlags>();
  command->add_option("PORT", flags->pairs, "A port, whatever it is joined with, or a pair")
      ->required();
  flags->device.add(*command);
  command->footer(
      "Example: mixnet ocs disconnect 1 2-18 --switch scpi://10.0.0.5\n"
      "Status 3: not all of it was done.");
  command->callback([flags] { disconnect(*flags); });
}

}  // namespace mixnet::ocs
