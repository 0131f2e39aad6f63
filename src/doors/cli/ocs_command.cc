// `mixnet ocs ...`: the program mixnet-ocs-ctl beside this one, which needs what `mixnet` does not
// (gRPC, TLS).
#include "cli/ocs_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/env.h"
#include "base/error.h"

namespace mixnet::cli {
namespace {

constexpr std::string_view kProgram = "mixnet-ocs-ctl";

}  // namespace

void add_ocs_command(Program& app) {
  CLI::App* command = app.add_subcommand("ocs", "Drive an optical circuit switch by hand");
  command->footer("Example: mixnet ocs connect 1-17 --switch tl1://admin@10.0.0.5");
  command->prefix_command();
}

void run_ocs_program(char** words) {
  const std::string program =
      (system_env().real_path("/proc/self/exe").parent_path() / kProgram).string();
  ::execv(program.c_str(), words);
  throw Error("mixnet ocs",
              fmt::format("{} cannot be run ({})", program, std::generic_category().message(errno)),
              "'make build' makes it; 'make run' builds the simulator alone");
}

}  // namespace mixnet::cli
