// How `mixnet ocs` becomes mixnet-ocs-ctl.
#pragma once

#include "cli/program.h"

namespace mixnet::cli {

/// For lists of commands: what it takes is the other program's affair.
void add_ocs_command(Program& app);

/// Becomes mixnet-ocs-ctl with these words, its own name first, null last. Throws Error when it is
/// not there.
void run_ocs_program(char** words);

}  // namespace mixnet::cli
