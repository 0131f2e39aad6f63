// All that can be chosen about one training iteration, with units and defaults: what the flags of
// `mixnet compare` and `mixnet simulate --model` fill, and TrainingJob and all beneath it read.
//
//   IterationOptions
//     network      NICs, paths and circuits of the fabrics        checked by network_checks.h
//       dispatch     what of a token is sent, and how wide        moe/dispatch.h
//       gpu          how a GPU's bandwidth is divided             fabric/gpu_bandwidth.h
//     compute      precision, measured times                      compute.h
//     fidelity     fluid or packets, and with which shortcuts     network/fidelity.h
//       packets      transport, sizes and queues                  network/packet_network.h
//     failures     what fails, when, and what stands in for it    failure.h, cluster_health.h
//     and what overlaps what, and who waits for the switch        below
//
// The speed of the NICs is no option: TrainingJob::simulate() is asked for one at a time. (Packets
// run at fidelity.nic_rate.) The model, the plan, the GPU and the routing are the job's own.
//
// The defaults are those of the paper, by which published figures are reproduced. What the programs
// take where nobody says, our best, is best_settings().
//
// Plain values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/units.h"
#include "circuits/allocator.h"
#include "compute/compute_model.h"
#include "fabric/gpu_bandwidth.h"
#include "fabric/packet_fabric.h"
#include "memory/memory_use.h"
#include "moe/dispatch.h"
#include "network/fidelity.h"
#include "policy/switch_policy.h"
#include "training/cluster_health.h"
#include "training/failure.h"
#include "training/pipeline.h"

namespace mixnet {

/// Where a token of an all-to-all enters its server (tree_communication.h).
enum class EpNics { kRail, kOwn };

template <>
struct Names<EpNics> {
  static constexpr std::string_view kWhat = "choice";
  static constexpr NamedValue<EpNics> kTable[] = {{"rail", EpNics::kRail}, {"own", EpNics::kOwn}};
};

/// What of an all-to-all goes over circuits (mixnet_communication.h).
enum class EpSplit { kCircuitsFirst, kBalanced };

template <>
struct Names<EpSplit> {
  static constexpr std::string_view kWhat = "split";
  static constexpr NamedValue<EpSplit> kTable[] = {{"circuits-first", EpSplit::kCircuitsFirst},
                                                   {"balanced", EpSplit::kBalanced}};
};

/// How connections find their paths with PathPolicy::kEcmp.
struct HashedPaths {
  int flows_per_pair = 1;  ///< flows that each connection is split into, hashed apart
  std::uint64_t seed = 1;
};

struct NetworkOptions {
  int nics_per_server = 8;      ///< divides the GPUs of a server
  int optical_degree = 6;       ///< of the NICs, on MixNet; at least one NIC stays electrical
  double oversubscription = 3;  ///< NICs for one uplink of their ToR switch, 1 to 1000
  PathPolicy paths = PathPolicy::kSpray;
  HashedPaths hashed;  ///< with kEcmp
  DispatchOptions dispatch;
  EpNics ep_nics = EpNics::kRail;
  EpSplit ep_split = EpSplit::kCircuitsFirst;
  AllocatorKind allocator = AllocatorKind::kGreedy;  ///< mixnet: who decides the circuits
  /// mixnet: NICs of a spare in the pool, all electrical; 0: as many as servers have.
  int spare_nics = 0;
  GpuBandwidthOptions gpu;  ///< of the fabrics that divide a GPU's bandwidth
};

struct FailureOptions {
  std::vector<Failure> failures;
  Backup backup = Backup::kPool;
  /// How long what fails in mid-iteration stands still, until it is noticed and routed around.
  Time outage = Time::milliseconds(10);
};

struct IterationOptions {
  NetworkOptions network;
  ComputeOptions compute;
  FidelityOptions fidelity;
  FailureOptions failures;

  /// MixNet: who waits for the switch, how long it takes from command to light, and how much longer
  /// until the NICs at both ends are up again (the prototype's transceivers: 5.67 s, section 6).
  Reconfiguration reconfiguration = Reconfiguration::kBlock;
  Time reconfiguration_delay = Time::milliseconds(25);
  Time nic_up;
  /// From command to the first byte: what every policy counts with.
  Time switching() const { return reconfiguration_delay + nic_up; }
  /// Of a GPU's scale-up rate, what collectives reach; the paper's simulations have all of it.
  double scale_up_share = 1;
  /// The steps of an all-to-all (gather, between servers, scatter) work on successive chunks at
  /// once, so the slowest step counts; else they follow each other.
  bool pipelined_ep_steps = true;
  PipelineSchedule schedule = PipelineSchedule::k1F1B;
  /// Gradients are summed while the last micro-batch's backward still runs.
  bool overlap_dp = true;
  /// TP by reduce-scatter + all-gather around each part (Megatron's sequence parallelism, which
  /// repeats the all-gather in backward), else by all-reduce.
  bool sequence_parallel = true;
  int gradient_bytes = 2;  ///< a parameter: 2 (bf16) or 4 (fp32)

  // What saves memory and takes time (memory/recompute_times.h, PacedJob::add_shards()).
  Recompute recompute = Recompute::kNone;
  int zero = 0;          ///< ZeRO's stage, 0 to 3: who holds what (memory_use.h)
  int moment_bytes = 4;  ///< of each of Adam's two moments, a parameter
};

/// Those of the options that memory depends on.
inline MemoryOptions memory_options(const IterationOptions& options) {
  MemoryOptions memory;
  memory.zero = options.zero;
  memory.recompute = options.recompute;
  memory.gradient_bytes = options.gradient_bytes;
  memory.moment_bytes = options.moment_bytes;
  memory.eager_schedule = options.schedule == PipelineSchedule::kEager1F1B;
  memory.sequence_parallel = options.sequence_parallel;
  memory.fp8 = options.compute.precision == Precision::kFp8;
  return memory;
}

/// How MixNet is best run, in place of the paper's block, greedy and circuits-first.
inline void best_switch_settings(IterationOptions& options) {
  options.reconfiguration = Reconfiguration::kHitless;
  options.network.allocator = AllocatorKind::kRefined;
  options.network.ep_split = EpSplit::kBalanced;
}

/// And how tokens are best sent on any fabric, in place of the paper's copies.
inline void best_settings(IterationOptions& options) {
  options.scale_up_share = kScaleUpShare;
  options.network.dispatch.mode = DispatchMode::kDeduplicated;
  best_switch_settings(options);
}

}  // namespace mixnet
