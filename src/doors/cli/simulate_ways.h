// What `mixnet simulate` can simulate, one file each. The flags of one way mean nothing to another,
// so each adds a command `simulate` of its own to the program that it is given, and
// simulate_command.cc takes the one whose flag the user wrote.
#pragma once

#include "cli/program.h"

namespace mixnet::cli {

void add_simulate_model(Program& program);   ///< --model
void add_simulate_graph(Program& program);   ///< --task-graph
void add_simulate_chakra(Program& program);  ///< --chakra
void add_simulate_trace(Program& program);   ///< --trace

}  // namespace mixnet::cli
