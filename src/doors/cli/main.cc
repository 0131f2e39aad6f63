// The program `mixnet`: parses flags, runs one command, and turns an Error into one line and status
// 2. Results go to standard output, everything else to standard error.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/program.h"
#include "cli/sibling_program.h"
#include "shell/run_program.h"

namespace {

struct Command {
  std::string_view name;
  void (*add)(mixnet::cli::Program& app);
};

constexpr std::string_view kCompletion = "completion";

constexpr Command kCommands[] = {
    {"compare", mixnet::cli::add_compare_command},
    {"sweep", mixnet::cli::add_sweep_command},
    {"report", mixnet::cli::add_report_command},
    {"cost", mixnet::cli::add_cost_command},
    {"plan", mixnet::cli::add_plan_command},
    {"predict", mixnet::cli::add_predict_command},
    {"flows", mixnet::cli::add_flows_command},
    {"simulate", mixnet::cli::add_simulate_command},
    {"convert", mixnet::cli::add_convert_command},
    {"reproduce", mixnet::cli::add_reproduce_command},
    {"validate", mixnet::cli::add_validate_command},
    {"compute", mixnet::cli::add_compute_command},
    {"models", mixnet::cli::add_models_command},
    {"ranks", mixnet::cli::add_ranks_command},
    {"gpus", mixnet::cli::add_gpus_command},
    {"fabrics", mixnet::cli::add_fabrics_command},
    {"ocs", mixnet::cli::add_ocs_command},
    {"ctl", mixnet::cli::add_ctl_command},
    {"bugreport", mixnet::cli::add_bugreport_command},
    {kCompletion, mixnet::cli::add_completion_command},
};

/// The command that `word` names, alone: the flags of all take half a megabyte. Where it names
/// none, all of them, for help and suggestions.
void add_commands(mixnet::cli::Program& app, std::string_view word) {
  bool is_known = false;
  for (const Command& command : kCommands) {
    is_known |= command.name == word && word != kCompletion;  // which tells of all
  }
  for (const Command& command : kCommands) {
    if (!is_known || command.name == word) command.add(app);
  }
}

/// What was asked for, the name of the program left out, and in the order of the parser, which is
/// from the last to the first. "help", "help COMMAND" and "version" are words for flags.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
  if (words.size() == 1 && words[0] == "version") words[0] = "--version";
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    // What is no command is refused as such.
    const bool is_known =
        words.empty() || std::ranges::any_of(kCommands, [&](const Command& command) {
          return command.name == words[0];
        });
    if (is_known) words.emplace_back("--help");
  }
  std::ranges::reverse(words);
  return words;
}

/// It has flags, help and errors of its own.
int run_sibling(const mixnet::cli::SiblingProgram& sibling, char** words) {
  try {
    mixnet::cli::become(sibling, words);
  } catch (const mixnet::Error& error) {
    fmt::print(stderr, "mixnet: {}\n", error.what());
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const bool asks_help = argc > 2 && std::string_view(argv[1]) == "help";
  if (argc > 1) {
    char* const word = argv[asks_help ? 2 : 1];
    if (const mixnet::cli::SiblingProgram* sibling = mixnet::cli::sibling_of(word)) {
      std::string help = "--help";
      std::vector<char*> words(argv + (asks_help ? 2 : 1), argv + argc);
      if (asks_help) words.push_back(help.data());
      words.push_back(nullptr);
      return run_sibling(*sibling, words.data());
    }
  }
  mixnet::cli::Program app("Which network for training my Mixture-of-Experts model?");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example: mixnet compare --model mixtral-8x7b --gpus 1024 --bandwidth 100Gbps,400Gbps\n"
      "'mixnet help COMMAND' explains a command. Bad input ends in one line and status 2.");
  std::vector<std::string> arguments = arguments_of(argc, argv);
  add_commands(app, arguments.empty() ? "" : arguments.back());
  return mixnet::cli::run_program(
      app, std::move(arguments),
      {.name = "mixnet",
       .out_of_memory = "ask for a smaller cluster, model or batch",
       .report = "please report it with what\n'mixnet bugreport COMMAND...' prints"});
}
