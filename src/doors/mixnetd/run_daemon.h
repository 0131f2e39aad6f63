// What mixnetd is told by flags, and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mixnet::daemon {

struct Flags {
  std::string config, store;
  bool observe = false, insecure = false, replay = false, check = false;
};

void add_flags(CLI::App& app, Flags& flags);

/// Until SIGTERM or SIGINT; a second one ends the process at once. The status: 0, or 1 where a
/// replay differs. Throws Error.
int run(const Flags& flags);

}  // namespace mixnet::daemon
