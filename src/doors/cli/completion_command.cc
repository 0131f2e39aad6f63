// `mixnet completion SHELL`: what a shell needs to complete commands, flags and their values. Made
// from the commands themselves, so that it knows what they know.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "cli/commands.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "moe/model_catalog.h"
#include "policy/switch_policy.h"
#include "shell/output.h"

namespace mixnet {
namespace cli {
enum class Shell { kBash, kZsh, kFish };
}

template <>
struct Names<cli::Shell> {
  static constexpr std::string_view kWhat = "shell";
  static constexpr NamedValue<cli::Shell> kTable[] = {
      {"bash", cli::Shell::kBash}, {"zsh", cli::Shell::kZsh}, {"fish", cli::Shell::kFish}};
};

namespace cli {
namespace {

std::string joined(std::vector<std::string> words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

/// Flags whose values are words of the program's own.
struct Values {
  std::string_view flag;
  std::vector<std::string> words;
};

std::vector<Values> known_values() {
  return {{"--fabric", names_of<FabricKind>()},
          {"--model", model_names()},
          {"--gpu", gpu_names()},
          {"--reconfiguration", names_of<Reconfiguration>()}};
}

std::vector<const CLI::App*> commands_of(const CLI::App& program) {
  return program.get_subcommands([](const CLI::App*) { return true; });
}

std::string bash(const CLI::App& program) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(program)) {
    names += command->get_name() + " ";
    cases +=
        fmt::format("    {}) flags='{}' ;;\n", command->get_name(), joined(flags_of(*command)));
  }
  std::string values;
  for (const auto& [flag, words] : known_values()) {
    values += fmt::format("    {}) words='{}' ;;\n", flag, joined(words));
  }
  return fmt::format(
      "_mixnet() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words= "
      "flags=\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{}help version' -- \"$word\")\n"
      "    return\n"
      "  fi\n"
      "  case $before in\n{}  esac\n"
      "  if [[ $words ]]; then\n"
      "    local last=${{word##*,}}\n"
      "    mapfile -t COMPREPLY < <(compgen -P \"${{word%\"$last\"}}\" -W \"$words\" -- "
      "\"$last\")\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$word\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -o default -F _mixnet mixnet\n",
      names, values, cases);
}

std::string fish(const CLI::App& program) {
  std::string text = "complete -c mixnet -e\n";
  for (const CLI::App* command : commands_of(program)) {
    const std::string& name = command->get_name();
    text += fmt::format("complete -c mixnet -n __fish_use_subcommand -f -a {}\n", name);
    for (const std::string& flag : flags_of(*command)) {
      const auto known = known_values();
      const auto values = std::ranges::find(known, flag, &Values::flag);
      text += fmt::format("complete -c mixnet -n '__fish_seen_subcommand_from {}' -l {}", name,
                          flag.substr(2));
      if (values != known.end()) text += fmt::format(" -x -a '{}'", joined(values->words));
      text += "\n";
    }
  }
  return text;
}

}  // namespace

void add_completion_command(Program& app) {
  CLI::App* command =
      app.add_subcommand("completion", "Print what bash, zsh or fish need to complete commands");
  command->footer(
      "Examples:\n"
      "  source <(mixnet completion bash)\n"
      "  mixnet completion fish > ~/.config/fish/completions/mixnet.fish");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->callback([&app, shell] {
    switch (parse<Shell>(*shell, "shell")) {
      case Shell::kBash:
        write_output("-", bash(app));
        return;
      case Shell::kZsh:
        write_output("-", "autoload -U +X bashcompinit && bashcompinit\n" + bash(app));
        return;
      case Shell::kFish:
        write_output("-", fish(app));
    }
  });
}

}  // namespace cli
}  // namespace mixnet
