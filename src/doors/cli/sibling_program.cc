#include "cli/sibling_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/env.h"
#include "base/error.h"

namespace mixnet::cli {
namespace {

constexpr SiblingProgram kSiblings[] = {{"ocs", "mixnet-ocs-ctl"}, {"ctl", "mixnet-ctl"}};

void add(Program& app, const char* word, const char* about, const char* example) {
  CLI::App* command = app.add_subcommand(word, about);
  command->footer(example);
  command->prefix_command();
}

}  // namespace

const SiblingProgram* sibling_of(std::string_view word) {
  for (const SiblingProgram& sibling : kSiblings) {
    if (sibling.word == word) return &sibling;
  }
  return nullptr;
}

void add_ocs_command(Program& app) {
  add(app, "ocs", "Drive an optical circuit switch by hand",
      "Example: mixnet ocs connect 1-17 --switch tl1://admin@10.0.0.5");
}

void add_ctl_command(Program& app) {
  add(app, "ctl", "See and steer the controller of a region, mixnetd",
      "Example: mixnet ctl status");
}

void become(const SiblingProgram& sibling, char** words) {
  const std::string program =
      (system_env().real_path("/proc/self/exe").parent_path() / sibling.program).string();
  ::execv(program.c_str(), words);
  throw Error(fmt::format("mixnet {}", sibling.word),
              fmt::format("{} cannot be run ({})", program, std::generic_category().message(errno)),
              "'make build' makes it; 'make run' builds the simulator alone");
}

}  // namespace mixnet::cli
