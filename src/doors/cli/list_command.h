// Commands that list what the program knows of some kind, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/program.h"
#include "shell/output.h"

namespace mixnet::cli {

struct Listing {
  TextTable table;
  nlohmann::ordered_json list;
};

/// A command that prints what `make` gives; in JSON as an object with `list` by the command's name.
void add_list_command(Program& app, const std::string& name, const std::string& description,
                      Listing (*make)());

}  // namespace mixnet::cli
