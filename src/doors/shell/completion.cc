#include "shell/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct CompletedProgram {
  const CLI::App& app;
  std::string_view name;
  std::string_view words;
  std::vector<FlagValues> values;
};

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::vector<const CLI::App*> commands_of(const CLI::App& program) {
  return program.get_subcommands([](const CLI::App*) { return true; });
}

/// Of the command and of those within it.
std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  const auto add = [&](const CLI::App& one) {
    for (const CLI::Option* option : one.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        const std::string flag = "--" + name;
        if (std::ranges::find(flags, flag) == flags.end()) flags.push_back(flag);
      }
    }
  };
  add(command);
  for (const CLI::App* inner : commands_of(command)) add(*inner);
  return flags;
}

std::vector<std::string> inner_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : commands_of(command)) names.push_back(inner->get_name());
  return names;
}

std::string bash(const CompletedProgram& program) {
  std::string function = fmt::format("_{}", program.name);
  std::ranges::replace(function, '-', '_');
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(program.app)) {
    names += command->get_name() + " ";
    const std::vector<std::string> inner = inner_commands(*command);
    cases += fmt::format(
        "    {}) flags='{}'{} ;;\n", command->get_name(), joined(flags_of(*command)),
        inner.empty() ? "" : fmt::format("; ((COMP_CWORD == 2)) && words='{}'", joined(inner)));
  }
  std::string values;
  for (const auto& [flag, words] : program.values) {
    values += fmt::format("    {}) words='{}' ;;\n", flag, joined(words));
  }
  return fmt::format(
      "{0}() {{\n"
      "  if ((COMP_CWORD > 1)) && declare -F \"{0}_${{COMP_WORDS[1]}}\" > /dev/null; then\n"
      "    COMP_WORDS=(\"${{COMP_WORDS[@]:1}}\")\n"
      "    COMP_CWORD=$((COMP_CWORD - 1))\n"
      "    \"{0}_${{COMP_WORDS[0]}}\"\n"
      "    return\n"
      "  fi\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words= "
      "flags=\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{1}{2}' -- \"$word\")\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{3}  esac\n"
      "  case $before in\n{4}  esac\n"
      "  if [[ $words ]]; then\n"
      "    local last=${{word##*,}}\n"
      "    mapfile -t COMPREPLY < <(compgen -P \"${{word%\"$last\"}}\" -W \"$words\" -- "
      "\"$last\")\n"
      "    return\n"
      "  fi\n"
      "  if [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$word\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -o default -F {0} {5}\n",
      function, names, program.words, cases, values.empty() ? "    *) ;;\n" : values, program.name);
}

std::string fish(const CompletedProgram& program) {
  const std::string_view name = program.name;
  std::string text = fmt::format("complete -c {} -e\n", name);
  for (const CLI::App* command : commands_of(program.app)) {
    const std::string& word = command->get_name();
    text += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {}\n", name, word);
    const std::vector<std::string> inner = inner_commands(*command);
    if (!inner.empty()) {
      text += fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}' -f -a '{}'\n", name,
                          word, joined(inner));
    }
    for (const std::string& flag : flags_of(*command)) {
      const auto values = std::ranges::find(program.values, flag, &FlagValues::flag);
      text += fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}' -l {}", name, word,
                          flag.substr(2));
      if (values != program.values.end()) {
        text += fmt::format(" -x -a '{}'", joined(values->words));
      }
      text += "\n";
    }
  }
  return text;
}

std::string completion_script(Shell shell, const CompletedProgram& program) {
  switch (shell) {
    case Shell::kBash:
      return bash(program);
    case Shell::kZsh:
      return "autoload -U +X bashcompinit && bashcompinit\n" + bash(program);
    case Shell::kFish:
      return fish(program);
  }
  return {};
}

}  // namespace

void add_completion(CLI::App& app, std::string_view name, std::string_view words,
                    std::vector<FlagValues> (*values)(), const char* examples) {
  CLI::App* command =
      app.add_subcommand("completion", "Print what bash, zsh or fish need to complete commands");
  command->footer(examples);
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->callback([&app, name, words, values, shell] {
    write_output("-",
                 completion_script(parse<Shell>(*shell, "shell"), {app, name, words, values()}));
  });
}

}  // namespace mixnet::cli
