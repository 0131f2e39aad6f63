#include "shell/strict_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text_fields.h"

namespace mixnet::cli {
namespace {

template <typename Number>
void check_whole(const std::string& value, std::string_view flag, std::string_view example) {
  Number number{};
  const char* const end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, number);
  if (stop != end || code == std::errc::invalid_argument) {
    throw Error(flag,
                fmt::format("'{}' is not a whole number{}", value,
                            std::is_unsigned_v<Number> ? " of at least 0" : ""),
                example);
  }
  if (code != std::errc{}) {
    throw Error(flag, fmt::format("'{}' is out of range", value),
                fmt::format("give a whole number up to {}", std::numeric_limits<Number>::max()));
  }
}

void check_real(const std::string& value, std::string_view flag) {
  const auto number = number_in<double>(value);
  if (!number || !std::isfinite(*number)) {
    throw Error(flag, fmt::format("'{}' is not a number", value), "write it in decimal, as in 0.5");
  }
}

/// "--tp" of "--tp,--tensor-model-parallel-size"; a positional argument by its own name.
std::string first_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : "--" + option.get_lnames().front();
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

/// `word` was left over when the flags of `command` were taken.
Error unknown_word(const CLI::App& command, const std::string& word) {
  if (!word.starts_with('-')) {
    return {word, "was not expected here", "see --help for what the command takes"};
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  // With dozens of flags the nearest is of use, the list of all is not.
  const std::string flag = word.substr(0, word.find('='));
  const std::string hint = suggest(flag, known);
  const auto end = hint.starts_with("did you mean") ? hint.find('?') : std::string::npos;
  return {flag, "no such flag",
          end == std::string::npos ? "see --help for those there are" : hint.substr(0, end + 1)};
}

/// Of a flag or word of the command, what the parser says of it being "NAME: ..." or "NAME is
/// required".
const CLI::Option* subject_of(const CLI::App& command, std::string_view said) {
  const std::string_view name = said.substr(0, said.find_first_of(": "));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_name() == name || option->check_name(std::string(name))) return option;
  }
  return nullptr;
}

/// A flag without its value, one given twice, one that is missing.
Error wrong_count(const CLI::App& command, const std::string& words, const CLI::ParseError& error) {
  const std::string hint = fmt::format("see {} --help", words);
  const CLI::Option* option = subject_of(command, error.what());
  if (option == nullptr) return {"command line", error.what(), hint};
  const std::string name = first_name(*option);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return {name, "is required", hint};
  }
  if (option->results().size() > 1) {
    return {name, fmt::format("is given {} times", option->results().size()), "give it once"};
  }
  return {name, "needs a value", fmt::format("write {} {}", name, option->get_type_name())};
}

/// The program, which may have flags of its own, its commands, and theirs.
template <typename App>
std::vector<App*> all_commands(App& app) {
  std::vector<App*> commands = {&app};
  for (App* command : app.get_subcommands(nullptr)) {
    for (App* inner : all_commands(*command)) commands.push_back(inner);
  }
  return commands;
}

}  // namespace

void refuse_loose_values(CLI::App& app) {
  for (CLI::App* command : all_commands(app)) {
    for (CLI::Option* option : command->get_options()) {
      option->check([name = first_name(*option),
                     type = option->get_type_name()](const std::string& value) -> std::string {
        if (value.empty()) throw Error(name, "is empty", "give it a value or leave it out");
        // All counts fit in 32 bits; seeds use 64.
        if (type == "INT") check_whole<std::int32_t>(value, name, "write it in decimal, as in 8");
        if (type == "UINT") check_whole<std::uint64_t>(value, name, "write it in decimal, as in 8");
        if (type == "FLOAT") check_real(value, name);
        return {};
      });
    }
  }
}

void refuse_values_of_switches(const CLI::App& app, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (!word.starts_with("--") || equals == std::string::npos) continue;
    const std::string name = word.substr(0, equals);
    for (const CLI::App* command : all_commands(app)) {
      for (const CLI::Option* option : command->get_options()) {
        if (option->get_expected_max() != 0 || !option->check_name(name)) continue;
        throw Error(name, "takes no value", "write it alone, or leave it out");
      }
    }
  }
}

Error explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* innermost = &app;
  std::string words = app.get_name();
  while (!innermost->get_subcommands().empty()) {
    innermost = innermost->get_subcommands().front();
    words += " " + innermost->get_name();
  }
  const CLI::App& command = *innermost;
  const bool wants_command = !command.get_subcommands(nullptr).empty();
  const std::vector<std::string> left = app.remaining(true);
  if (!left.empty()) {
    if (wants_command && !left.front().starts_with('-')) {
      return {left.front(), "no such command", suggest(left.front(), command_names(command))};
    }
    // A flag that is not known leaves its value behind as well: the flag is what to talk about.
    for (const std::string& word : left) {
      if (word.starts_with('-')) return unknown_word(command, word);
    }
    return unknown_word(command, left.front());
  }
  if (wants_command) {
    return {"command line", "names no command",
            fmt::format("give one of {}; see --help", fmt::join(command_names(command), ", "))};
  }
  return wrong_count(command, words, error);
}

}  // namespace mixnet::cli
