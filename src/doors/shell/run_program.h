// What every program does around its flags: parses them, runs what they ask for, and turns an Error
// into one line and status 2. Results go to standard output, all else to standard error.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet::cli {

struct ProgramText {
  std::string_view name;           ///< before each line on standard error
  std::string_view out_of_memory;  ///< what would help then
  std::string_view report;         ///< how a fault of the program is to be reported
};

/// The same of main()'s arguments.
int run_program(CLI::App& app, int argc, char** argv, const ProgramText& text);

/// `words`: the arguments, the program's name left out, in the order of CLI11, last to first.
/// Gives the program's status: 0, 2 for bad input, 1 for a fault of ours, or what a command asks
/// for (CLI::RuntimeError). Call it once: it makes the flags strict (strict_flags.h).
int run_program(CLI::App& app, std::vector<std::string> words, const ProgramText& text);

}  // namespace mixnet::cli
