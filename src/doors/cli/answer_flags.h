// The flags by which a command is asked for its answer in files, beside or in place of its tables.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mixnet::cli {

/// A flag that names a file for an answer, or '-'; `help` without saying so. `file` must outlive
/// the command. See answers_on_stdout().
CLI::Option* add_answer_flag(CLI::App& command, const std::string& flag, std::string& file,
                             const std::string& help);

}  // namespace mixnet::cli
