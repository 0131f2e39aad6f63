// The flags that say which simulated iteration is written as a task graph: a model, its plan, and
// those of `mixnet compare` that do not depend on a network.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/parallel_plan_flags.h"
#include "cli/simulation_flags.h"
#include "interop/task_graph.h"

namespace mixnet::cli {

struct IterationFlags {
  std::string model;          ///< empty: none is asked for
  std::optional<int> layers;  ///< the model's first
  ParallelPlanFlags plan;
  SimulationFlags simulation;

  /// Throws Error on a value that is not known or out of range.
  TaskGraph graph(const std::string& gpu) const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_iteration_flags(CLI::App& command, IterationFlags& flags);

}  // namespace mixnet::cli
