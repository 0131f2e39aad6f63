// The commands of mixnet-ctl. Status 0: done, or it is so; 1: the daemon refused it, or it is not
// so; 2: bad input, or a daemon that cannot be reached.
#pragma once

#include <CLI/CLI.hpp>

namespace mixnet::ctl {

constexpr int kNotSo = 1;

void add_status_command(CLI::App& app);
void add_topology_command(CLI::App& app);
void add_plan_command(CLI::App& app);
void add_drain_commands(CLI::App& app);
void add_pin_commands(CLI::App& app);
void add_hold_commands(CLI::App& app);
void add_tenant_command(CLI::App& app);
void add_alarms_command(CLI::App& app);
void add_audit_command(CLI::App& app);
void add_watch_command(CLI::App& app);
void add_health_command(CLI::App& app);
void add_wait_ready_command(CLI::App& app);
void add_bugreport_command(CLI::App& app);
void add_certs_command(CLI::App& app);
void add_completion_command(CLI::App& app);
void add_demo_command(CLI::App& app);

}  // namespace mixnet::ctl
