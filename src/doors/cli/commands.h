// The commands of `mixnet`, one file each. Every function adds one subcommand to the program, with
// its flags, its help and an example; the subcommand's callback does the work and throws
// mixnet::Error on bad input (main prints that as one line and exits with status 2), or
// CLI::RuntimeError to end with a status of its own.
#pragma once

#include "cli/program.h"

namespace mixnet::cli {

void add_compare_command(Program& app);
void add_sweep_command(Program& app);
void add_report_command(Program& app);
void add_reproduce_command(Program& app);
void add_validate_command(Program& app);
void add_plan_command(Program& app);
void add_predict_command(Program& app);
void add_flows_command(Program& app);
void add_simulate_command(Program& app);
void add_convert_command(Program& app);
void add_cost_command(Program& app);
void add_compute_command(Program& app);
void add_models_command(Program& app);
void add_gpus_command(Program& app);
void add_fabrics_command(Program& app);
void add_ranks_command(Program& app);
void add_bugreport_command(Program& app);
/// Added last, to a program that has all the others: it tells of them.
void add_completion_command(Program& app);

}  // namespace mixnet::cli
