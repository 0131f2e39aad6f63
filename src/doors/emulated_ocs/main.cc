// The program `mixnet-ocs`: an optical circuit switch made of software, which speaks TL1, SCPI and
// SONiC's gNMI, and joins Linux interfaces.
#include <CLI/CLI.hpp>

#include "emulated_host.h"
#include "ocs_config.h"
#include "shell/run_program.h"

int main(int argc, char** argv) {
  CLI::App app("An optical circuit switch made of software, for controllers to be tested on.",
               "mixnet-ocs");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.footer(
      "Example: mixnet-ocs --ports 32 --timing polatis --tl1 127.0.0.1:3082 --scpi "
      "127.0.0.1:5025 --gnmi 127.0.0.1:8080\n"
      "Without an address it speaks all three, at these. It prints where it listens, then "
      "'ready',\n"
      "and runs until it is interrupted. docs/ocs.md says more.");
  mixnet::ocs::OcsFlags flags;
  mixnet::ocs::add_flags(app, flags);
  app.callback([&] { mixnet::ocs::run_emulated_switch(mixnet::ocs::config_of(flags)); });
  return mixnet::cli::run_program(app, argc, argv,
                                  {.name = "mixnet-ocs",
                                   .out_of_memory = "ask for fewer ports",
                                   .report = "please report it with the command and its input"});
}
