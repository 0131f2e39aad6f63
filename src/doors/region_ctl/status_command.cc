// `mixnet ctl status`: a region on one screen.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr int kLatestAlarms = 5;

std::string_view state_of(const v1::ServerStatus& server) {
  if (server.failed()) return server.drained() ? "failed, drained" : "failed";
  return server.drained() ? "drained" : "";
}

std::string share(double part) { return fmt::format("{:.0f} %", part * 100); }

std::string head(const v1::RegionDescription& region, const v1::Status& status) {
  const std::string trouble = trouble_of(status);
  std::string text =
      fmt::format("{} on {}: {}, up since {}, record {}\n", region.name(), region.switch_(),
                  trouble.empty() ? "ready" : "not ready: " + trouble, time_text(status.run()),
                  status.records());
  text += fmt::format("mixnetd {}; policy {}, allocator {}\n", region.version(), region.policy(),
                      region.allocator());
  if (region.observes()) text += "it observes: decides, and writes nothing to the switch\n";
  if (status.device_silent()) text += "THE SWITCH DOES NOT ANSWER\n";
  if (status.held()) text += "held: nothing is commanded until 'mixnet ctl release'\n";
  text += fmt::format("{}, {} each; {} lit, {}, {} suspect, {} failed\n\n",
                      counted(region.servers_size(), "server"),
                      counted(region.optical_nics(), "optical NIC"),
                      counted(status.lit_size(), "circuit"), counted(status.pins_size(), "pin"),
                      counted(status.suspect_ports_size(), "port"), status.failed_ports_size());
  return text;
}

/// Of a pin: nothing where it is lit.
std::string light_of(const v1::PortPair& pin, const v1::Status& status, const RegionNames& names) {
  if (holds(status.lit(), pin)) return "";
  const std::string why = why_dark(pin, status, names);
  return why.empty() ? ", dark" : fmt::format(", dark: {}", why);
}

std::string tables(const RegionNames& names, const v1::Status& status) {
  using cli::Align;
  cli::TextTable tenants({{"tenant", Align::kLeft},
                          {"servers"},
                          {"step", Align::kLeft},
                          {"epoch"},
                          {"by circuits"},
                          {"phase", Align::kLeft}});
  for (const v1::TenantStatus& tenant : status.tenants()) {
    const bool is_pool = tenant.tenant() == 0;
    tenants.add_row(
        {is_pool ? "pool" : fmt::to_string(tenant.tenant()), fmt::to_string(tenant.servers_size()),
         tenant.step() + (tenant.leaving() ? ", leaving" : ""), fmt::to_string(tenant.epoch()),
         tenant.phase().sequence() == 0 ? "-" : share(tenant.served_by_circuits()),
         phase_text(tenant.phase())});
  }
  cli::TextTable servers(
      {{"server", Align::kLeft}, {"tenant", Align::kLeft}, {"circuits"}, {"state", Align::kLeft}});
  for (const v1::ServerStatus& server : status.servers()) {
    servers.add_row({names.server_name(server.server()),
                     server.tenant() == 0 ? "pool" : fmt::to_string(server.tenant()),
                     fmt::to_string(server.circuits()), std::string(state_of(server))});
  }
  std::string text = tenants.text() + "\n" + servers.text();
  for (const int port : status.suspect_ports()) {
    text += fmt::format("suspect: {}\n", port_text(port, names));
  }
  for (const int port : status.failed_ports()) {
    text += fmt::format("failed: {}\n", port_text(port, names));
  }
  for (const v1::PortPair& pin : status.pins()) {
    text += fmt::format("pinned: {}{}\n", ports_text(pin, names), light_of(pin, status, names));
  }
  return text;
}

Json document(const v1::RegionDescription& region, const RegionNames& names,
              const v1::Status& status, const v1::Happenings& alarms) {
  Json tenants = Json::array();
  for (const v1::TenantStatus& tenant : status.tenants()) {
    Json servers = Json::array();
    for (const int server : tenant.servers()) servers.push_back(names.server_name(server));
    tenants.push_back({{"tenant", tenant.tenant()},
                       {"servers", servers},
                       {"step", tenant.step()},
                       {"leaving", tenant.leaving()},
                       {"phase", to_json(tenant.phase())},
                       {"running", tenant.running()},
                       {"epoch", tenant.epoch()},
                       {"served_by_circuits", tenant.served_by_circuits()}});
  }
  Json servers = Json::array();
  for (const v1::ServerStatus& server : status.servers()) {
    servers.push_back({{"server", names.server_name(server.server())},
                       {"tenant", server.tenant()},
                       {"drained", server.drained()},
                       {"failed", server.failed()},
                       {"circuits", server.circuits()}});
  }
  const auto pairs = [&](const auto& list) {
    Json all = Json::array();
    for (const v1::PortPair& pair : list) all.push_back(to_json(pair, names));
    return all;
  };
  const auto ports = [&](const auto& list) {
    Json all = Json::array();
    for (const int port : list) all.push_back(port_json(port, names));
    return all;
  };
  Json latest = Json::array();
  for (const v1::Happening& alarm : alarms.happenings()) latest.push_back(to_json(alarm));
  return {{"region", region.name()},
          {"switch", region.switch_()},
          {"version", region.version()},
          {"policy", region.policy()},
          {"allocator", region.allocator()},
          {"observes", region.observes()},
          {"ready", status.ready()},
          {"held", status.held()},
          {"device_silent", status.device_silent()},
          {"now_ns", status.now_ns()},
          {"run", status.run()},
          {"records", status.records()},
          {"tenants", tenants},
          {"servers", servers},
          {"lit", pairs(status.lit())},
          {"pins", pairs(status.pins())},
          {"suspect_ports", ports(status.suspect_ports())},
          {"failed_ports", ports(status.failed_ports())},
          {"alarms", latest}};
}

void show(const ControllerFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  const std::unique_ptr<RegionClient> daemon = flags.open();
  const v1::RegionDescription region = daemon->region(flags.time());
  const RegionNames names(region);
  const v1::Status status = daemon->status(flags.time());
  const v1::Happenings alarms = daemon->alarms(kLatestAlarms, flags.time());
  if (!flags.json.empty()) {
    cli::write_output(flags.json, document(region, names, status, alarms).dump(2) + "\n");
  }
  if (quiet) return;
  std::string text = head(region, status) + tables(names, status);
  if (alarms.happenings_size() > 0) text += "\nlatest alarms\n";
  for (const v1::Happening& alarm : alarms.happenings()) text += happening_text(alarm);
  cli::write_output("-", text);
}

}  // namespace

void add_status_command(CLI::App& app) {
  add_command(app, "status", "The region on one screen: tenants, servers, circuits, alarms",
              "Example: mixnet ctl status --json - | jq .tenants", show);
}

}  // namespace mixnet::ctl
