// The flags of a network that flows are played on, for every command that plays some.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "network/flow_topology.h"

namespace mixnet::cli {

struct NetworkFlags {
  std::string fabric;
  std::optional<int> nics_per_server;
  std::optional<int> degree;
  double oversubscription = FlowNetworkOptions{}.oversubscription;
  std::optional<std::string> paths;
  std::string bandwidth = "100Gbps";
  std::string latency = "1us";

  /// All but the hosts. Throws Error on a value that cannot be read; the ranges are
  /// check_flow_network_options()'s.
  FlowNetworkOptions options() const;
};

/// Adds the flags to `command`, those of hosts left to it; `flags` must outlive it.
/// `nics_default`: in words, for the help.
void add_network_flags(CLI::App& command, NetworkFlags& flags, const std::string& nics_default);

}  // namespace mixnet::cli
