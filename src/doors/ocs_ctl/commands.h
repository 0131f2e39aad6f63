// The commands of mixnet-ocs-ctl, one file each. Status 0: done; 2: bad input, or a switch that
// cannot be spoken to; 3: the switch or the cabling is not as asked.
#pragma once

#include <CLI/CLI.hpp>

namespace mixnet::ocs {

constexpr int kNotAsAsked = 3;

void add_show_command(CLI::App& app);
void add_connect_command(CLI::App& app);
void add_disconnect_command(CLI::App& app);
void add_power_command(CLI::App& app);
void add_watch_command(CLI::App& app);
void add_verify_cabling_command(CLI::App& app);
void add_nic_agent_command(CLI::App& app);

}  // namespace mixnet::ocs
