// The program `mixnet-ocs-ctl`, which `mixnet ocs` runs: any optical switch, by hand.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "shell/run_program.h"

int main(int argc, char** argv) {
  CLI::App app("Any optical circuit switch, by hand", "mixnet ocs");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example: mixnet ocs connect 1-17 --switch tl1://admin@10.0.0.5\n"
      "Without --switch: a mixnet-ocs on this machine, over TL1.");
  mixnet::ocs::add_show_command(app);
  mixnet::ocs::add_connect_command(app);
  mixnet::ocs::add_disconnect_command(app);
  mixnet::ocs::add_power_command(app);
  mixnet::ocs::add_watch_command(app);
  mixnet::ocs::add_verify_cabling_command(app);
  mixnet::ocs::add_nic_agent_command(app);
  return mixnet::cli::run_program(app, argc, argv,
                                  {.name = "mixnet ocs",
                                   .out_of_memory = "name fewer ports",
                                   .report = "please report it with the command"});
}
