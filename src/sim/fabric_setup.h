// Builds the communication model of a fabric for a job: which NICs go where, and for TopoOpt the
// topology that the expected traffic calls for.
#pragma once

#include <memory>
#include <vector>

#include "fabric/direct_connect.h"
#include "fabric/fabric_kind.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "sim/communication.h"
#include "sim/mixnet_communication.h"
#include "sim/packet_communication.h"

namespace mixnet {

struct NetworkOptions {
  int nics_per_server = 8;  ///< divides the GPUs of a server
  int optical_degree = 6;   ///< of the NICs, on MixNet; at least one NIC stays electrical
  double oversubscription = 3;
  PathPolicy paths = PathPolicy::kSpray;
  int flows_per_pair = 1;  ///< connections between two NICs, hashed apart (kEcmp)
  EpNics ep_nics = EpNics::kRail;
  EpSplit ep_split = EpSplit::kCircuitsFirst;
};

/// Throws Error (naming the flag) when the options contradict each other or the plan.
void check_network_options(const NetworkOptions& options, const ParallelPlan& plan);

/// The model for `kind`; nothing for kIdeal, which needs none. Options must have been checked.
std::unique_ptr<CommunicationModel> make_communication(FabricKind kind, const Model& model,
                                                       const ParallelPlan& plan,
                                                       const NetworkOptions& options);

/// What one server of each kind adds to the gradients of pipeline stage `stage`, and who sums them.
struct GradientGroups {
  /// All servers that hold the same dense parameters; neighbours in the ring are the same place of
  /// neighbouring replicas, then neighbours of one region.
  std::vector<std::vector<int>> dense;
  /// Servers that hold the same experts: the same place in every replica's region.
  std::vector<std::vector<int>> expert;
  std::int64_t dense_parameters_per_server = 0;
  std::int64_t expert_parameters_per_server = 0;
};
GradientGroups gradient_groups(const Model& model, const ParallelPlan& plan, int stage);

/// What TopoOpt plans for: balanced routing, every micro-batch of one iteration.
ExpectedTraffic expected_traffic(const Model& model, const ParallelPlan& plan);

}  // namespace mixnet
