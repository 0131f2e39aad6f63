// What bash, zsh and fish need to complete a program's commands, flags and values. Made from the
// commands themselves, so that it knows what they know.
//
// Cost: some milliseconds, when it is asked for.
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

/// Adds `completion SHELL` to a program of this `name`, which prints what that shell is to read.
/// `words` complete beside the commands ("help version"); `values` are asked for when they are
/// needed. In bash and zsh, where both were read, what completes mixnet-ctl also completes `mixnet
/// ctl`.
void add_completion(CLI::App& app, std::string_view name, std::string_view words,
                    std::vector<FlagValues> (*values)(), const char* examples);

}  // namespace cli
}  // namespace mixnet
