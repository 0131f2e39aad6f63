// The program `mixnet`: parses flags, runs one command, and turns an Error into one line and status
// 2. Results go to standard output, everything else to standard error.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <string>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"

namespace {

constexpr int kBadInput = 2;

int complain(std::string_view line) {
  std::fflush(stdout);
  fmt::print(stderr, "mixnet: {}\n", line);
  return kBadInput;
}

/// The word that was meant as a command, if it is none; CLI11 only says that it was not expected.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == argv[1]) return {};
    names.push_back(command->get_name());
  }
  return mixnet::Error(argv[1], "no such command", mixnet::suggest(argv[1], names)).what();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Which network for training my Mixture-of-Experts model?", "mixnet");
  app.set_version_flag("--version", MIXNET_VERSION);
  app.require_subcommand(1);
  app.footer("Example: mixnet compare --model mixtral-8x7b --gpus 1024 --bandwidth 100Gbps,400Gbps\n"
             "'mixnet COMMAND --help' explains a command. Bad input ends in one line and status 2.");
  mixnet::cli::add_compare_command(app);
  mixnet::cli::add_cost_command(app);
  mixnet::cli::add_plan_command(app);
  mixnet::cli::add_validate_command(app);
  mixnet::cli::add_models_command(app);
  mixnet::cli::add_gpus_command(app);
  mixnet::cli::add_fabrics_command(app);
  try {
    if (const std::string line = unknown_command(app, argc, argv); !line.empty()) {
      return complain(line);
    }
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return complain(mixnet::Error("command line", error.what(), "see --help").what());
  } catch (const mixnet::Error& error) {
    return complain(error.what());
  } catch (const std::bad_alloc&) {
    return complain("out of memory; ask for a smaller cluster, model or batch");
  }
  return 0;
}
