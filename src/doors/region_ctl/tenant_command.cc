// `mixnet ctl tenant`: jobs come and go. What a prolog and an epilog of Slurm call.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "commands.h"
#include "controller_flags.h"
#include "outcome.h"
#include "shell/host_list.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

struct TenantFlags {
  ControllerFlags daemon;
  int number = 0;
  std::vector<std::string> servers;
  bool wait = false;
};

void add_tenant(const TenantFlags& flags) {
  cli::answers_on_stdout(flags.daemon.json);
  std::vector<std::string> hosts;
  for (const std::string& word : flags.servers) {
    for (std::string& name : cli::expand_host_list(word, "SERVER")) {
      if (std::ranges::find(hosts, name) != hosts.end()) {
        throw Error("SERVER", fmt::format("'{}' is named twice", name), "each server once");
      }
      hosts.push_back(std::move(name));
    }
  }
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  TenantAdd add{flags.number, {}};
  for (const std::string& host : hosts) add.servers.push_back(names.server(host, "SERVER"));
  Outcome outcome(names);
  outcome.add(daemon->add(add, flags.daemon.time()),
              fmt::format("tenant {} has {}", flags.number, fmt::join(hosts, " ")));
  outcome.tell(flags.daemon);
}

void remove_tenant(const TenantFlags& flags) {
  cli::answers_on_stdout(flags.daemon.json);
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const RegionNames names(daemon->region(flags.daemon.time()));
  const auto is_there = [&](const v1::Status& status) {
    return std::ranges::any_of(status.tenants(), [&](const v1::TenantStatus& tenant) {
      return tenant.tenant() == flags.number;
    });
  };
  Outcome outcome(names);
  // An epilog may run twice: that it is gone is what was asked for.
  if (!is_there(daemon->status(flags.daemon.time()))) {
    outcome.add({}, fmt::format("there is no tenant {}", flags.number));
  } else {
    outcome.add(daemon->remove({flags.number}, flags.daemon.time()),
                fmt::format("tenant {} leaves", flags.number));
    const bool is_gone = !flags.wait || wait_until(*daemon, flags.daemon, [&](const auto& status) {
      return !is_there(status);
    });
    if (!is_gone) {
      outcome.add_failure(
          fmt::format("tenant {} is there still, after {}", flags.number, flags.daemon.limit));
    }
  }
  outcome.tell(flags.daemon);
}

void list_tenants(const ControllerFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  const std::unique_ptr<RegionClient> daemon = flags.open();
  const RegionNames names(daemon->region(flags.time()));
  const v1::Status status = daemon->status(flags.time());
  Json document = Json::array();
  cli::TextTable table({{"tenant", cli::Align::kLeft},
                        {"state", cli::Align::kLeft},
                        {"servers", cli::Align::kLeft}});
  for (const v1::TenantStatus& tenant : status.tenants()) {
    if (tenant.tenant() == 0) continue;
    std::vector<std::string> servers;
    for (const int server : tenant.servers()) servers.push_back(names.server_name(server));
    table.add_row({fmt::to_string(tenant.tenant()), tenant.leaving() ? "leaving" : tenant.step(),
                   fmt::format("{}", fmt::join(servers, " "))});
    document.push_back({{"tenant", tenant.tenant()},
                        {"leaving", tenant.leaving()},
                        {"step", tenant.step()},
                        {"servers", servers}});
  }
  if (!flags.json.empty()) cli::write_output(flags.json, document.dump(2) + "\n");
  if (!quiet) cli::write_output("-", document.empty() ? "no tenant\n" : table.text());
}

}  // namespace

void add_tenant_command(CLI::App& app) {
  CLI::App* tenant = app.add_subcommand("tenant", "Jobs: add, remove, list");
  tenant->require_subcommand(1);
  tenant->footer("Example: mixnet ctl tenant add 17 gpu-[0-7]");

  CLI::App* command = tenant->add_subcommand("add", "Give servers of the pool to a job");
  auto flags = std::make_shared<TenantFlags>();
  command->add_option("NUMBER", flags->number, "From 1, such as Slurm's job number")->required();
  command
      ->add_option("SERVER", flags->servers,
                   "Names, as in gpu-[0-3,7]; their order is that of the job's demands")
      ->required();
  flags->daemon.add(*command);
  command->footer("Example: mixnet ctl tenant add 17 gpu-[0-7]");
  on_call(*command, [flags] { add_tenant(*flags); });

  command = tenant->add_subcommand("remove", "Take a job's circuits down and its servers back");
  flags = std::make_shared<TenantFlags>();
  command->add_option("NUMBER", flags->number, "Of the tenant")->required();
  command->add_flag("--wait", flags->wait, "Until its servers are the pool's (up to --limit)");
  flags->daemon.add(*command);
  command->footer("Example: mixnet ctl tenant remove 17 --wait");
  on_call(*command, [flags] { remove_tenant(*flags); });

  add_command(*tenant, "list", "The jobs and their servers",
              "Example: mixnet ctl tenant list --json -", list_tenants);
}

}  // namespace mixnet::ctl
