#include "training/gradient_groups.h"

#include <algorithm>

#include "memory/stage_parameters.h"

namespace mixnet {

int tp_servers(const ParallelPlan& plan) { return std::max(1, plan.tp / plan.gpus_per_server); }

GradientGroups gradient_groups(const Model& model, const ParallelPlan& plan, int stage) {
  GradientGroups groups;
  const int replicas = plan.replicas();
  const int region = plan.region_servers();
  const int stage_servers = plan.servers_per_stage();
  const int first = plan.first_server(stage, 0);
  const auto [dense, expert] = stage_parameters(model, plan, stage);
  const int gpus = plan.gpus_per_server;
  const int tp_span = tp_servers(plan);
  groups.dense_parameters_per_server = dense / tp_span;
  const std::int64_t expert_span = std::max(1, plan.group_gpus() / gpus);
  groups.expert_parameters_per_server = expert / expert_span;

  const bool several_groups_a_server = plan.group_gpus() < gpus;
  const int copies = several_groups_a_server ? stage_servers : replicas;
  groups.expert.resize(region);
  for (int place = 0; place < region; ++place) {
    for (int copy = 0; copy < copies; ++copy) {
      groups.expert[place].push_back(first + copy * region + place);
    }
  }
  groups.dense.resize(tp_span);
  for (int place = 0; place < region; ++place) {
    auto& ring = groups.dense[place % tp_span];
    ring.insert(ring.end(), groups.expert[place].begin(), groups.expert[place].end());
  }
  return groups;
}

}  // namespace mixnet
