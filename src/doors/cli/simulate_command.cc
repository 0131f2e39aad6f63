#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/simulate_ways.h"
#include "shell/output.h"
#include "shell/strict_flags.h"

namespace mixnet::cli {
namespace {

struct Way {
  std::string_view flag;  ///< that says what to simulate
  void (*add)(Program& program);
};

constexpr Way kWays[] = {
    {"--model", add_simulate_model},
    {"--task-graph", add_simulate_graph},
    {"--chakra", add_simulate_chakra},
    {"--trace", add_simulate_trace},
};

bool is_among(std::string_view flag, const std::vector<std::string>& words) {
  for (const std::string_view word : words) {
    if (word == flag || (word.starts_with(flag) && word[flag.size()] == '=')) return true;
  }
  return false;
}

std::string ways() {
  std::string list;
  for (const Way& way : kWays) {
    if (!list.empty()) list += " or ";
    list += way.flag;
  }
  return list;
}

/// A program with the command of one way alone.
class WayProgram {
 public:
  explicit WayProgram(const Way& way, Answer* asked = nullptr) : app_("", asked) {
    app_.require_subcommand(1);
    way.add(app_);
    refuse_loose_values(app_);
  }

  std::string help() const { return app_.get_subcommand("simulate")->help("mixnet"); }

  void run(const std::vector<std::string>& words) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    reversed.emplace_back("simulate");
    try {
      app_.parse(reversed);
    } catch (const CLI::Success&) {  // --help among other flags
      write_output("-", help());
    } catch (const CLI::ParseError& error) {
      throw explain(app_, error);
    }
  }

 private:
  Program app_;
};

void run(const std::vector<std::string>& words, Answer* asked) {
  const Way* chosen = nullptr;
  for (const Way& way : kWays) {
    if (!is_among(way.flag, words)) continue;
    if (chosen != nullptr) {
      throw Error(way.flag, fmt::format("does not go with {}", chosen->flag), "give one of them");
    }
    chosen = &way;
  }
  if (chosen != nullptr) return WayProgram(*chosen, asked).run(words);
  if (is_among("--help", words) || is_among("-h", words)) {
    for (const Way& way : kWays) write_output("-", WayProgram(way).help() + "\n");
    return;
  }
  throw Error("simulate", "names nothing to simulate",
              fmt::format("give {}; see simulate --help", ways()));
}

}  // namespace

void add_simulate_command(Program& app) {
  CLI::App* command = app.add_subcommand("simulate", "Simulate one iteration on one fabric");
  command->set_help_flag();
  command->prefix_command();
  command->callback([command, asked = app.asked()] { run(command->remaining(), asked); });
}

}  // namespace mixnet::cli
