// `mixnet flows --collective`: nccl-tests' table from the simulator.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "graphs/collective_study.h"

namespace mixnet::cli {

struct CollectiveFlags {
  std::string collective;
  std::string bytes = "1KiB:16GiB";
  std::optional<int> gpus;
  int gpus_per_server = 8;
  std::string gpu = "h100";

  bool given() const { return !collective.empty(); }
  /// All but the network, the fidelity and the seed. Throws Error on what cannot be read.
  CollectiveRequest request() const;
};

/// `flags` must outlive `command`.
void add_collective_flags(CLI::App& command, CollectiveFlags& flags);

/// "64MB", "1MB,1GB", or "1KiB:16GiB": the first, twice that, and so on. Throws Error.
std::vector<Bytes> parse_sizes(const std::string& text, const std::string& flag);

/// The table, as nccl-tests prints it, and above it what ran.
std::string table_of(const CollectiveReport& report);

}  // namespace mixnet::cli
