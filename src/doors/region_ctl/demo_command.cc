#include "commands.h"
namespace mixnet::ctl {
void add_demo_command(CLI::App& /*app*/) {}
}  // namespace mixnet::ctl
