// The program `mixnet-ctl`, which `mixnet ctl` runs: the controller of a region, seen and steered.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "shell/run_program.h"

int main(int argc, char** argv) {
  CLI::App app("See and steer the controller of a region, mixnetd", "mixnet ctl");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example: mixnet ctl status --controller head-1 --ca ca.pem --cert me.pem --key me.key\n"
      "Status 0: done, or it is so; 1: the daemon refused it, or it is not so (not ready, an\n"
      "alarm); 2: bad input, or a daemon that cannot be reached. docs/ctl.md shows each command.");
  mixnet::ctl::add_status_command(app);
  mixnet::ctl::add_topology_command(app);
  mixnet::ctl::add_plan_command(app);
  mixnet::ctl::add_tenant_command(app);
  mixnet::ctl::add_drain_commands(app);
  mixnet::ctl::add_pin_commands(app);
  mixnet::ctl::add_hold_commands(app);
  mixnet::ctl::add_watch_command(app);
  mixnet::ctl::add_alarms_command(app);
  mixnet::ctl::add_audit_command(app);
  mixnet::ctl::add_health_command(app);
  mixnet::ctl::add_wait_ready_command(app);
  mixnet::ctl::add_bugreport_command(app);
  mixnet::ctl::add_certs_command(app);
  mixnet::ctl::add_completion_command(app);
  mixnet::ctl::add_demo_command(app);
  return mixnet::cli::run_program(app, argc, argv,
                                  {.name = "mixnet ctl",
                                   .out_of_memory = "ask for less",
                                   .report = "please report it with the command"});
}
