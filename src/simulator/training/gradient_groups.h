// Who sums which gradients at the end of an iteration. Pure; O(servers of the stage).
#pragma once

#include <cstdint>
#include <vector>

#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// What one server of each kind adds to the gradients of pipeline stage `stage`, and who sums them.
struct GradientGroups {
  /// All servers that hold the same dense parameters; neighbours in the ring are the same place of
  /// neighbouring replicas, then neighbours of one region.
  std::vector<std::vector<int>> dense;
  /// Servers that hold the same experts: the same place in every replica's region.
  std::vector<std::vector<int>> expert;
  /// Of the stage: several may share a server.
  std::int64_t dense_parameters_per_server = 0;
  std::int64_t expert_parameters_per_server = 0;
};
GradientGroups gradient_groups(const Model& model, const ParallelPlan& plan, int stage);

/// Servers of one rank's TP group: more than one only where tp exceeds a server.
int tp_servers(const ParallelPlan& plan);

}  // namespace mixnet
