// What `mixnet simulate` can simulate, one file each. The flags of one way mean nothing to another,
// so each adds a command `simulate` of its own to the program that it is given, and
// simulate_command.cc takes the one whose flag the user wrote.
#pragma once

#include <CLI/CLI.hpp>

namespace mixnet::cli {

void add_simulate_model(CLI::App& program);   ///< --model
void add_simulate_graph(CLI::App& program);   ///< --task-graph
void add_simulate_chakra(CLI::App& program);  ///< --chakra
void add_simulate_trace(CLI::App& program);   ///< --trace

}  // namespace mixnet::cli
