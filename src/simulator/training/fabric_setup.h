// Builds the communication model of a fabric for a job: which NICs go where, and for TopoOpt the
// topology that the expected traffic calls for.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fabric/direct_connect.h"
#include "fabric/fabric_kind.h"
#include "fabric/gpu_bandwidth.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "network/packet_fidelity.h"
#include "network/packet_phase.h"
#include "training/cluster_health.h"
#include "training/communication.h"
#include "training/mixnet_communication.h"
#include "training/tree_communication.h"

namespace mixnet {

struct NetworkOptions {
  int nics_per_server = 8;  ///< divides the GPUs of a server
  int optical_degree = 6;   ///< of the NICs, on MixNet; at least one NIC stays electrical
  double oversubscription = 3;
  PathPolicy paths = PathPolicy::kSpray;
  int flows_per_pair = 1;  ///< connections between two NICs, hashed apart (kEcmp)
  EpNics ep_nics = EpNics::kRail;
  EpSplit ep_split = EpSplit::kCircuitsFirst;
  AllocatorKind allocator = AllocatorKind::kGreedy;  ///< mixnet: who decides the circuits
  int spare_nics =
      0;  ///< mixnet: of a spare in the pool, all electrical; 0: as many as servers have
  GpuBandwidthOptions gpu;  ///< of the fabrics that divide a GPU's bandwidth
};

/// Throws Error (naming the flag) when the options contradict each other or the plan.
void check_network_options(const NetworkOptions& options, const ParallelPlan& plan);

/// The same for `fabrics`, of which some may be of scale-up domains.
void check_domains(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                   const ParallelPlan& plan);

/// Throws Error when links fail that none of `fabrics` has, or the plan has no such part.
void check_failures(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                    const ParallelPlan& plan, std::span<const Failure> failures);

/// Makes communication models of one fabric for a job, one for each thread that wants one. Options
/// must have been checked. Immutable after construction, so thread-safe.
class CommunicationFactory {
 public:
  /// `nic_rate`: at which a GPU's bandwidth is divided, on fabrics that do so. `health`: what has
  /// failed, and what stands in for it. On TopoOpt a spare server is patched into the place of the
  /// one that failed, and stands in for one of which a GPU failed, too.
  CommunicationFactory(FabricKind kind, const Model& model, const ParallelPlan& plan,
                       const NetworkOptions& options, Bandwidth nic_rate = kReferenceRate,
                       ClusterHealth health = {});

  /// The parts of a GPU's bandwidth at that NIC rate; nothing where a GPU has its own scale-up
  /// rate.
  const std::optional<GpuBandwidth>& gpu_bandwidth() const { return gpu_; }

  /// On the fluid network; nothing for kIdeal, which needs no model.
  std::unique_ptr<CommunicationModel> make_fluid() const;
  /// The same in packets.
  std::unique_ptr<CommunicationModel> make_packet(const PacketFidelity& fidelity,
                                                  std::shared_ptr<PhaseCache> cache) const;

 private:
  int eps_nics() const;
  int pool_nics() const;
  bool has_ocs() const;
  ServerPlaces server_places() const;
  OcsPlaces ocs_places() const;
  PacketFabric packet_fabric(PathPolicy paths) const;
  std::unique_ptr<TreeCommunication> make_tree() const;
  std::unique_ptr<MixNetCommunication> make_mixnet() const;
  std::unique_ptr<MixNetCommunication> make_mixnet_optical_io() const;

  FabricKind kind_;
  int servers_;
  int gpus_per_server_;
  int region_servers_;
  NetworkOptions options_;
  ClusterHealth health_;
  std::optional<GpuBandwidth> gpu_;
  DirectConnect topology_;  // of TopoOpt
};

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
