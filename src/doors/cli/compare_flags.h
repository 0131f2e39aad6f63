// The flags that say what one comparison simulates: those of `mixnet compare` but for where its
// answers go. `mixnet sweep` reads the same flags from study files.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/memory_flags.h"
#include "cli/parallel_plan_flags.h"
#include "cli/simulation_flags.h"
#include "compare/comparison.h"

namespace mixnet::cli {

struct CompareFlags {
  std::string model;
  std::string gpu = "h100";
  std::string bandwidths = "400Gbps";
  std::string fabrics;
  std::string tokens;  ///< of the whole training; empty: not asked
  std::string prices;
  std::string server_link = "optics";
  std::optional<double> server_price;  ///< default: server_prices.csv's
  double power_price = RunningCost{}.usd_per_kwh;
  double pue = RunningCost{}.pue;
  double years = RunningCost{}.years;
  int switch_ports = CostRequest{}.switch_ports;
  std::vector<std::string> failures;
  std::string backup = "pool";
  std::string outage = "10ms";
  int spare_nics = 0;
  ParallelPlanFlags plan;
  MemoryFlags memory;
  SimulationFlags simulation;

  /// Reads the files that flags name. Throws Error on a value that is not known or out of range.
  ComparisonRequest request() const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_compare_flags(CLI::App& command, CompareFlags& flags);

}  // namespace mixnet::cli
