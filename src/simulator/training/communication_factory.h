// Makes the communication models of one fabric for a job, one for each thread that wants one: which
// NICs go where, with what has failed and what stands in for it, and for TopoOpt the topology that
// the expected traffic calls for.
//
// Options must have been checked (network_checks.h). Immutable after construction, so thread-safe.
// Construction costs a search for a topology on TopoOpt; a model costs its graph.
#pragma once

#include <memory>
#include <optional>

#include "fabric/direct_connect.h"
#include "fabric/fabric_kind.h"
#include "fabric/gpu_bandwidth.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "network/packet_phase.h"
#include "training/cluster_health.h"
#include "training/communication.h"
#include "training/iteration_options.h"
#include "training/mixnet_communication.h"
#include "training/tree_communication.h"

namespace mixnet {

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
  /// Without `shortcuts`: run_plain() of the models.
  std::unique_ptr<CommunicationModel> make_fluid(bool shortcuts = true) const;
  /// The same in packets.
  std::unique_ptr<CommunicationModel> make_packet(const FidelityOptions& fidelity,
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

}  // namespace mixnet
