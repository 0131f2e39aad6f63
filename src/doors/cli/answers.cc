#include "cli/answers.h"

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "cli/commands.h"
#include "shell/strict_flags.h"

namespace mixnet::cli {
namespace {

struct Command {
  std::string_view name;
  void (*add)(Program& app);
};

constexpr Command kCommands[] = {
    {"compare", add_compare_command},   {"cost", add_cost_command},
    {"predict", add_predict_command},   {"flows", add_flows_command},
    {"simulate", add_simulate_command}, {"validate", add_validate_command},
    {"compute", add_compute_command},   {"models", add_models_command},
    {"gpus", add_gpus_command},         {"fabrics", add_fabrics_command},
};

}  // namespace

Answer answer(std::string_view command, const std::vector<std::string>& words) {
  const auto* const found = std::ranges::find(kCommands, command, &Command::name);
  if (found == std::end(kCommands)) throw std::logic_error("no command with an answer");
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") throw Error(word, "no such flag", "leave it out");
  }
  Answer answer;
  Program app({}, &answer);
  app.require_subcommand(1);
  found->add(app);
  refuse_loose_values(app);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  reversed.emplace_back(command);
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    throw explain(app, error);
  }
  return answer;
}

}  // namespace mixnet::cli
