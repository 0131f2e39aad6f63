// `mixnet ctl plan --dry-run`: what a demand would move.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "circuits/demand_file.h"
#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

struct PlanFlags {
  ControllerFlags daemon;
  std::string demand;
  int tenant = 0;
  bool dry_run = false;
};

/// The one that is meant: the only one, where none is named.
const v1::TenantStatus& tenant_of(const PlanFlags& flags, const v1::Status& status) {
  const v1::TenantStatus* found = nullptr;
  for (const v1::TenantStatus& tenant : status.tenants()) {
    if (tenant.tenant() == 0 || (flags.tenant != 0 && tenant.tenant() != flags.tenant)) continue;
    if (found != nullptr)
      throw Error("--tenant", "there are several", "name the one that is meant");
    found = &tenant;
  }
  if (found != nullptr) return *found;
  throw Error("--tenant",
              flags.tenant == 0 ? "there is none" : fmt::format("there is no {}", flags.tenant),
              "'mixnet ctl tenant add' makes one");
}

void plan(const PlanFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.daemon.json);
  if (!flags.dry_run) {
    throw Error("plan", "changes nothing, and wants that said",
                "add --dry-run; demands are reported by jobs (docs/controller-api.md)");
  }
  DemandReport report;
  report.bytes = read_server_demand(flags.demand);
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  const v1::Status status = daemon->status(flags.daemon.time());
  const v1::TenantStatus& tenant = tenant_of(flags, status);
  if (report.bytes.rows() != static_cast<std::size_t>(tenant.servers_size())) {
    throw Error(
        flags.demand,
        fmt::format("is of {}", counted(static_cast<std::int64_t>(report.bytes.rows()), "server")),
        fmt::format("tenant {} has {}", tenant.tenant(), tenant.servers_size()));
  }
  report.tenant = tenant.tenant();
  report.phase.sequence = kMostSequence;  // later than any
  const v1::PlanReply reply = daemon->plan(report, flags.daemon.time());
  std::string text;
  Json disconnect = Json::array();
  Json connect = Json::array();
  Json circuits = Json::array();
  Json alarms = Json::array();
  for (const v1::PortPair& pair : reply.disconnect()) {
    text += fmt::format("disconnect {}\n", ports_text(pair, names));
    disconnect.push_back(to_json(pair, names));
  }
  for (const v1::PortPair& pair : reply.connect()) {
    text += fmt::format("connect    {}\n", ports_text(pair, names));
    connect.push_back(to_json(pair, names));
  }
  for (const v1::Circuit& circuit : reply.circuits()) circuits.push_back(to_json(circuit, names));
  for (const v1::Alarm& alarm : reply.alarms()) {
    text += fmt::format("alarm: {}\n", alarm_text(alarm, names));
    alarms.push_back(to_json(alarm, names));
  }
  text +=
      fmt::format("{} moved; {} afterwards. Nothing was changed.\n",
                  counted(reply.ports_moved(), "port"), counted(reply.circuits_size(), "circuit"));
  if (!flags.daemon.json.empty()) {
    const Json document = {{"tenant", tenant.tenant()}, {"ports_moved", reply.ports_moved()},
                           {"disconnect", disconnect},  {"connect", connect},
                           {"circuits", circuits},      {"alarms", alarms}};
    cli::write_output(flags.daemon.json, document.dump(2) + "\n");
  }
  if (!quiet) cli::write_output("-", text);
  if (reply.alarms_size() > 0) throw CLI::RuntimeError(kNotSo);
}

}  // namespace

void add_plan_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("plan", "What a demand would move, without moving anything");
  const auto flags = std::make_shared<PlanFlags>();
  command
      ->add_option("--demand", flags->demand,
                   "File with bytes from server to server, a line each, as 'mixnet plan' takes it")
      ->required();
  command->add_flag("--dry-run", flags->dry_run, "Nothing is changed (must be there)");
  command->add_option("--tenant", flags->tenant, "Whose demand (the only one's)");
  flags->daemon.add(*command);
  command->footer("Example: mixnet ctl plan --dry-run --demand layer3.csv --tenant 17");
  on_call(*command, [flags] { plan(*flags); });
}

}  // namespace mixnet::ctl
