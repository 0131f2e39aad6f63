// `mixnet ctl topology`: which circuits join which servers.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/error.h"
#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr std::size_t kMostDrawn = 40;  // servers, of which the picture fits a screen

struct TopologyFlags {
  ControllerFlags daemon;
  int tenant = 0;
};

/// A row and a column a server, in one order; in each cell the circuits between the two.
std::string picture(const std::vector<int>& servers, const v1::Topology& topology,
                    const RegionNames& names) {
  std::map<std::pair<int, int>, int> count;
  for (const v1::Circuit& circuit : topology.circuits()) {
    ++count[std::minmax(circuit.server_a(), circuit.server_b())];
  }
  std::size_t width = 0;
  for (const int server : servers) width = std::max(width, names.server_name(server).size());
  std::string text;
  for (std::size_t row = 0; row < servers.size(); ++row) {
    const std::string name = names.server_name(servers[row]);
    text += "  " + name + std::string(row == 0 ? 0 : width + 1 - name.size(), ' ');
    for (std::size_t column = 0; column < row; ++column) {
      const auto found = count.find(std::minmax(servers[row], servers[column]));
      text += found == count.end() ? " ." : fmt::format(" {}", found->second);
    }
    text += "\n";
  }
  return text;
}

std::string describe(const v1::TenantStatus& tenant, const v1::Topology& topology,
                     const RegionNames& names) {
  std::string text = fmt::format(
      "{}: {} on {}, epoch {}, served {}{}{}\n", tenant_text(topology.tenant()),
      counted(topology.circuits_size(), "circuit"), counted(tenant.servers_size(), "server"),
      topology.epoch(), phase_text(topology.served()), topology.closed() ? ", closed" : "",
      topology.observes() ? " (as it would be: the daemon observes)" : "");
  const std::vector<int> servers(tenant.servers().begin(), tenant.servers().end());
  if (servers.size() <= kMostDrawn && topology.circuits_size() > 0) {
    text += "circuits between servers\n" + picture(servers, topology, names);
  }
  for (const v1::Circuit& circuit : topology.circuits()) {
    text += fmt::format("  {}\n", circuit_text(circuit, names));
  }
  for (const v1::Relay& relay : topology.relays()) {
    text += fmt::format("  {} reaches {} by way of", names.server_name(relay.from()),
                        names.server_name(relay.to()));
    for (const int via : relay.via()) text += " " + names.server_name(via);
    text += "\n";
  }
  for (const v1::PortPair& pair : topology.cut()) {
    text += fmt::format("  CUT: nothing joins {} and {}\n", names.server_name(pair.a()),
                        names.server_name(pair.b()));
  }
  return text;
}

void show(const TopologyFlags& flags, bool one) {
  const bool quiet = cli::answers_on_stdout(flags.daemon.json);
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  const v1::Status status = daemon->status(flags.daemon.time());
  std::string text;
  Json document = Json::array();
  bool found = false;
  for (const v1::TenantStatus& tenant : status.tenants()) {
    if (tenant.tenant() == 0 || (one && tenant.tenant() != flags.tenant)) continue;
    found = true;
    const v1::Topology topology = daemon->topology(tenant.tenant(), flags.daemon.time());
    text += describe(tenant, topology, names);
    document.push_back(to_json(topology, names));
  }
  if (one && !found) {
    throw Error("--tenant", fmt::format("there is no tenant {}", flags.tenant),
                "'mixnet ctl tenant list' shows them");
  }
  if (!found) text = "no tenant: all servers are in the pool, and their ports dark\n";
  if (!flags.daemon.json.empty()) cli::write_output(flags.daemon.json, document.dump(2) + "\n");
  if (!quiet) cli::write_output("-", text);
}

}  // namespace

void add_topology_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("topology", "Circuits, by server, NIC and position");
  const auto flags = std::make_shared<TopologyFlags>();
  CLI::Option* tenant = command->add_option("--tenant", flags->tenant, "Of this one alone (all)");
  flags->daemon.add(*command);
  command->footer("Example: mixnet ctl topology --tenant 17");
  on_call(*command, [flags, tenant] { show(*flags, !tenant->empty()); });
}

}  // namespace mixnet::ctl
