// What bash, zsh and fish need to complete a program's commands, flags and values. Made from the
// commands themselves, so that it knows what they know.
//
// Pure functions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

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

/// A flag whose values are words of the program's own.
struct FlagValues {
  std::string_view flag;
  std::vector<std::string> words;
};

struct CompletedProgram {
  const CLI::App& app;
  std::string_view name;   ///< the file: "mixnet"
  std::string_view words;  ///< beside the commands, "help version"
  std::vector<FlagValues> values;
};

/// A script for the shell to read. In bash and zsh, where both were read, what completes
/// `mixnet-ctl` also completes `mixnet ctl`.
std::string completion_script(Shell shell, const CompletedProgram& program);

}  // namespace cli
}  // namespace mixnet
