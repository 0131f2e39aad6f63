// `mixnet ctl drain`, `undrain`, `pin`, `unpin`, `hold` and `release`: what an operator wants of
// the controller.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/text_fields.h"
#include "commands.h"
#include "controller_flags.h"
#include "outcome.h"
#include "shell/host_list.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

struct ChangeFlags {
  ControllerFlags daemon;
  std::vector<std::string> words;
  bool wait = false;
};

void drain(const ChangeFlags& flags, bool drained) {
  cli::answers_on_stdout(flags.daemon.json);
  std::vector<std::string> hosts;
  for (const std::string& word : flags.words) {
    std::ranges::move(cli::expand_host_list(word, "SERVER"), std::back_inserter(hosts));
  }
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  std::vector<int> servers;
  for (const std::string& host : hosts) servers.push_back(names.server(host, "SERVER"));
  Outcome outcome(names);
  for (const int server : servers) {
    outcome.add(daemon->drain({server, drained}, flags.daemon.time()),
                fmt::format("{} {}", names.server_name(server),
                            drained ? "is drained: its circuits go" : "may have circuits again"));
  }
  const auto is_dark = [&](const v1::Status& status) {
    return std::ranges::none_of(status.servers(), [&](const v1::ServerStatus& server) {
      return server.circuits() > 0 && std::ranges::count(servers, server.server()) > 0;
    });
  };
  if (flags.wait && !wait_until(*daemon, flags.daemon, is_dark)) {
    outcome.add_failure(fmt::format("circuits are lit still, after {}", flags.daemon.limit));
  }
  outcome.tell(flags.daemon);
}

/// "1-17": positions.
PortPair positions_in(const std::string& word) {
  const std::string_view text = word;
  const std::size_t dash = text.find('-');
  const auto a = number_in<int>(text.substr(0, dash));
  const auto b = dash == text.npos ? std::nullopt : number_in<int>(text.substr(dash + 1));
  if (!a || !b) {
    throw Error("PAIR", fmt::format("'{}' is no circuit", shown(word)),
                "two positions of the switch, as in 1-17");
  }
  if (*a == *b) {
    throw Error("PAIR", fmt::format("'{}' joins a position with itself", shown(word)),
                "two positions of the switch, as in 1-17");
  }
  return {*a, *b};
}

/// What a pin, or its end, comes to.
std::string pin_text(const v1::PortPair& pair, bool pinned, const v1::Status& before,
                     const RegionNames& names) {
  const std::string text = ports_text(pair, names);
  if (!pinned) {
    return text + (holds(before.pins(), pair) ? " is as any other again" : " was not pinned");
  }
  const std::string why = why_dark(pair, before, names);
  return why.empty() ? text + " is pinned: it stays lit"
                     : fmt::format(
                           "{} is pinned, but stays as it is, lit or dark, until its "
                           "servers are of one tenant: {}",
                           text, why);
}

void pin(const ChangeFlags& flags, bool pinned) {
  cli::answers_on_stdout(flags.daemon.json);
  std::vector<PortPair> pairs;
  for (const std::string& word : flags.words) pairs.push_back(positions_in(word));
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  for (PortPair& pair : pairs) {
    pair = {names.port_at(pair.a, "PAIR"), names.port_at(pair.b, "PAIR")};
  }
  const v1::Status before = daemon->status(flags.daemon.time());
  Outcome outcome(names);
  for (const PortPair& pair : pairs) {
    v1::PortPair wire;
    wire.set_a(pair.a);
    wire.set_b(pair.b);
    outcome.add(daemon->pin({pair, pinned}, flags.daemon.time()),
                pin_text(wire, pinned, before, names));
  }
  outcome.tell(flags.daemon);
}

void hold(const ChangeFlags& flags, bool held) {
  cli::answers_on_stdout(flags.daemon.json);
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  Outcome outcome(names);
  outcome.add(daemon->hold({held}, flags.daemon.time()),
              held ? "held: nothing is commanded until 'mixnet ctl release'; reads go on"
                   : "released: what has come meanwhile is put right");
  outcome.tell(flags.daemon);
}

void add(CLI::App& app, const char* name, const char* about, const char* word, const char* example,
         void (*change)(const ChangeFlags&, bool), bool on) {
  CLI::App* command = app.add_subcommand(name, about);
  const auto flags = std::make_shared<ChangeFlags>();
  if (word != nullptr) {
    const bool is_pair = std::string_view(word) == "PAIR";
    command
        ->add_option(word, flags->words,
                     is_pair ? "Positions of the switch, as in 1-17" : "Names, as in gpu-[0-3,7]")
        ->required();
    if (!is_pair && on) {
      command->add_flag("--wait", flags->wait, "Until no circuit is lit there (up to --limit)");
    }
  }
  flags->daemon.add(*command);
  command->footer(example);
  on_call(*command, [flags, change, on] { change(*flags, on); });
}

}  // namespace

void add_drain_commands(CLI::App& app) {
  add(app, "drain", "Take the circuits off servers, and put none there", "SERVER",
      "Example: mixnet ctl drain gpu-3 --wait", drain, true);
  add(app, "undrain", "Let servers have circuits again", "SERVER",
      "Example: mixnet ctl undrain gpu-3", drain, false);
}

void add_pin_commands(CLI::App& app) {
  add(app, "pin", "Keep a circuit lit, whatever the demand", "PAIR", "Example: mixnet ctl pin 1-17",
      pin, true);
  add(app, "unpin", "Let a pinned circuit go", "PAIR", "Example: mixnet ctl unpin 1-17", pin,
      false);
}

void add_hold_commands(CLI::App& app) {
  add(app, "hold", "Command nothing: somebody else works on the switch", nullptr,
      "Example: mixnet ctl hold", hold, true);
  add(app, "release", "End a hold", nullptr, "Example: mixnet ctl release", hold, false);
}

}  // namespace mixnet::ctl
