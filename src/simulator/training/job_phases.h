// Every communication phase of a training iteration, measured: all-to-alls of every layer,
// micro-batch and replica, activations between stages, gradients. training_job.h puts them
// together.
//
// Fidelity says on which network:
//   kFluid   the fluid one. Its times scale, so one measurement serves every speed of the NICs.
//            Without `reuse`, nothing is folded (TreeCommunication::run_plain()).
//   kPacket  every phase in packets, at one speed. Identical phases may be simulated once.
//   kAuto    packets with shortcuts, each with a switch:
//              reuse   identical phases are simulated once. Exact.
//              steady  what has settled is jumped over (packet_network.h). Errs by under 0.2 %.
//              fluid   when the all-to-alls all differ and are too many for the budget of
//                      packet-hops, some of every layer run in packets and on the fluid network;
//                      the others on the fluid one, times the mean ratio of the two (over
//                      circuits for another demand, of such phases).
//            The report says what was done how, and how far off the result may be.
//
// With a policy other than block or hidden, exchanges also say how long they take over the circuits
// of the layer before in the same stage (of the first: of the stage's last layer in the micro-batch
// before), at fidelity.nic_rate; with kCopilot over those for its forecast, too.
//
// Independent phases run on all cores; the result does not depend on their number.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fabric/fabric_kind.h"
#include "fabric/gpu_bandwidth.h"
#include "forecast/demand_forecast.h"
#include "moe/demand_cache.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "moe/routing.h"
#include "training/cluster_health.h"
#include "training/communication.h"
#include "training/fidelity_report.h"
#include "training/iteration_options.h"

namespace mixnet {

struct GradientTimes {
  PhaseTime dense, expert;
  Bytes scale_up;  ///< inside the server, through each GPU's scale-up port
};

/// All-gather of 1 GB over the GPUs of a TP group that spans servers; a reduce-scatter is its
/// mirror. Hierarchical rings: GPUs of the same place gather over the NICs what their servers lack,
/// and the GPUs of a server gather it from each other. Chunk by chunk, so the slower of the two
/// counts.
struct TensorGather {
  PhaseTime nics;  ///< between the servers
  Bytes inside;    ///< in through the busiest GPU's scale-up port
};

/// Of the GPUs that share out a sequence, where they span servers (context_parallel.h), one
/// exchange.
struct ContextExchange {
  PhaseTime nics;  ///< between the servers
  Bytes inside;    ///< in through the busiest GPU's scale-up port
};

struct FabricPhases {
  FabricKind kind = FabricKind::kIdeal;
  bool uniform = true;
  std::optional<GpuBandwidth> gpu_bandwidth;  ///< where the fabric divides it, at the NIC rate of
                                              ///< FidelityOptions
  std::vector<std::int64_t> scale_up_bytes;   ///< of the busiest GPU, by exchange_index()
  std::vector<ExchangeTimes> exchanges;       ///< by exchange_index()
  /// By stage boundary, slowest replica; with virtual stages, last that from the last stage back to
  /// the first.
  std::vector<PhaseTime> sends;
  /// Likewise, of one GPU to one of its own server, where stages share servers: then that is all.
  std::vector<Bytes> sends_inside;
  std::vector<GradientTimes> gradients;       ///< by stage
  std::optional<TensorGather> tensor_gather;  ///< where tp spans servers
  std::optional<ContextExchange> context;     ///< where tp x cp does
  FidelityReport report;                      ///< all zero for kFluid
};

struct JobPhases {
  bool varies = false;  ///< whether places differ
  int micro_batches = 1;
  int replicas = 1;
  int moe_layers = 0;
  std::vector<int> moe_index;                     ///< of each layer, -1 when dense
  std::vector<std::int64_t> busiest_rank_tokens;  ///< by place_index()
  /// Likewise, with kCopilot on MixNet; empty where circuits never change.
  std::vector<DemandForecast> forecasts;
  std::vector<FabricPhases> fabrics;  ///< in the order asked for

  std::size_t places() const;
  std::size_t place_index(int replica, int micro_batch, int moe_layer) const;
  std::size_t exchange_index(const FabricPhases& fabric, int stage, int replica, int micro_batch,
                             int moe_layer) const;
};

/// `demands`: TrainingJob's; null: none. `health`: what has failed. Shows a progress bar on a
/// terminal.
JobPhases measure_phases(const Model& model, const ParallelPlan& plan, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, const IterationOptions& options,
                         const ClusterHealth& health = {}, DemandCache* demands = nullptr);

}  // namespace mixnet
