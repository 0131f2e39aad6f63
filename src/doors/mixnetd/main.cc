// The program `mixnetd`: the controller of a region, with its store, its API and its page.
#include <CLI/CLI.hpp>

#include "run_daemon.h"
#include "shell/run_program.h"

int main(int argc, char** argv) {
  CLI::App app("The controller of a region: decides which circuits an optical switch holds.",
               "mixnetd");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.footer(
      "Example: mixnetd --config region.yaml --observe\n"
      "It prints where it listens, then 'ready' when the switch was read, and runs until SIGTERM "
      "or\n"
      "SIGINT. Circuits stay lit when it ends. docs/daemon.md says more.");
  mixnet::daemon::Flags flags;
  mixnet::daemon::add_flags(app, flags);
  app.callback([&] {
    if (const int status = mixnet::daemon::run(flags); status != 0) throw CLI::RuntimeError(status);
  });
  return mixnet::cli::run_program(app, argc, argv,
                                  {.name = "mixnetd",
                                   .out_of_memory = "name fewer servers",
                                   .report = "please report it with the region's file and the "
                                             "store's folder"});
}
