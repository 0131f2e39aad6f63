// The flags by which a command is asked for its answer in files, beside or in place of its tables.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/output.h"

namespace mixnet::cli {

/// A flag that names a file for an answer, or '-'; `help` without saying so. `file` must outlive
/// the command. See answers_on_stdout().
CLI::Option* add_answer_flag(CLI::App& command, const std::string& flag, std::string& file,
                             const std::string& help);

/// What the program knows of some kind, for people and for programs.
struct Listing {
  TextTable table;
  nlohmann::ordered_json list;
};

/// A command that lists `make()`'s; in JSON as an object of `list` by the command's name.
void add_list_command(CLI::App& app, const std::string& name, const std::string& description,
                      Listing (*make)());

}  // namespace mixnet::cli
