// The parallel plan: how a model is laid over GPUs, and where each rank sits.
//
//   world = tp * cp * dp * pp. The tp * cp * dp GPUs of a pipeline stage are two meshes at once, in
//   Megatron-LM's orders ("folded", arXiv:2504.14960), the first index fastest and pp slowest:
//       attention, dense parts   rank = tp_index + tp * (cp_index + cp * dp_index)
//       experts                  rank = etp_index + etp * (ep_index + ep * replica)
//   so that ep * etp divides tp * cp * dp. With etp = tp and cp = 1, the default, ep divides dp.
//   Server s holds the ranks [s * gpus_per_server, (s + 1) * gpus_per_server). A stage is whole
//   servers, or several stages share one: its GPUs divide a server's.
//
// Of a server larger than 8 GPUs (an NVL72 domain) the plan may use a part, the same of all:
// gpus_per_server is what is in use, server_gpus what is there. The others are idle, with their
// NICs; servers are bought whole.
//
// So the ep * etp ranks of one EP group are neighbours, and their servers are a *region*: the reach
// of one optical switch. Region (stage, replica) starts at server
// (stage * replicas + replica) * region_servers. When ep * etp is less than a server's GPUs,
// several EP groups share one server and all their traffic stays inside it.
//
// Tokens of a micro-batch lie spread over its tp * cp GPUs (sequence parallel), so an EP rank,
// which is etp GPUs, brings etp / (tp * cp) of a micro-batch to an all-to-all.
//
// Everything is a plain value; all functions are pure and thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/names.h"
#include "moe/model.h"

namespace mixnet {

/// How the GPUs that share out a sequence exchange what attention needs, by Megatron-LM's names
/// (moe/context_parallel.h).
enum class CpComm { kP2p, kA2a, kAllGather };

template <>
struct Names<CpComm> {
  static constexpr std::string_view kWhat = "kind of context-parallel communication";
  static constexpr NamedValue<CpComm> kTable[] = {
      {"p2p", CpComm::kP2p}, {"a2a", CpComm::kA2a}, {"all_gather", CpComm::kAllGather}};
};

struct ParallelPlan {
  int tp = 1;  ///< tensor-parallel size
  int cp = 1;  ///< context-parallel size
  CpComm cp_comm = CpComm::kP2p;
  int pp = 1;   ///< pipeline stages
  int vpp = 1;  ///< virtual stages of a pipeline stage, which take turns (interleaved 1F1B)
  int ep = 1;   ///< expert-parallel size
  int etp = 0;  ///< tensor-parallel size of experts; 0: tp
  int dp = 1;   ///< data-parallel size
  int gpus_per_server = 8;             ///< in use
  int server_gpus = 0;                 ///< that a server has; 0: as many as are in use
  std::int64_t micro_batch_size = 1;   ///< sequences
  std::int64_t global_batch_size = 1;  ///< sequences an iteration, all replicas together
  std::int64_t seq_length = 4096;      ///< tokens a sequence

  std::int64_t world() const { return std::int64_t{tp} * cp * dp * pp; }
  std::int64_t stage_gpus() const { return std::int64_t{tp} * cp * dp; }
  int expert_tp() const { return etp > 0 ? etp : tp; }
  /// GPUs of one EP group.
  int group_gpus() const { return ep * expert_tp(); }
  /// Whether the experts' mesh is another than that of the rest.
  bool is_folded() const { return expert_tp() != tp || cp != 1; }
  int servers() const { return static_cast<int>(world() / gpus_per_server); }
  /// At least 1: a stage may be a part of one, too.
  int servers_per_stage() const {
    return static_cast<int>(std::max<std::int64_t>(1, stage_gpus() / gpus_per_server));
  }
  bool stages_share_servers() const { return stage_gpus() < gpus_per_server; }
  int gpus_of_server() const { return server_gpus > 0 ? server_gpus : gpus_per_server; }
  int idle_gpus_per_server() const { return gpus_of_server() - gpus_per_server; }
  /// EP groups a stage: the copies of every expert, and its data-parallel size.
  int replicas() const { return static_cast<int>(stage_gpus() / group_gpus()); }
  /// Servers of one EP group; 1 when the group fits in a server.
  int region_servers() const {
    return group_gpus() > gpus_per_server ? group_gpus() / gpus_per_server : 1;
  }
  int micro_batches() const {
    return static_cast<int>(global_batch_size / (micro_batch_size * dp));
  }
  std::int64_t tokens_per_micro_batch() const { return micro_batch_size * seq_length; }
  /// That an EP rank brings to an all-to-all.
  std::int64_t tokens_per_ep_rank() const {
    return tokens_per_micro_batch() * expert_tp() / (std::int64_t{tp} * cp);
  }
  std::int64_t tokens_per_iteration() const { return global_batch_size * seq_length; }
  /// First server of the EP group `replica` of `stage`.
  int first_server(int stage, int replica) const {
    return static_cast<int>((stage * stage_gpus() + std::int64_t{replica} * group_gpus()) /
                            gpus_per_server);
  }
  bool operator==(const ParallelPlan&) const = default;
};

/// Sequences, of a model without a plan of its own: the paper's simulations'.
inline constexpr std::int64_t kDefaultMicroBatch = 8;

/// What the user fixed; what is left open is filled from the model's defaults.
struct PlanRequest {
  std::int64_t gpus = 1024;
  int gpus_per_server = 8;  ///< that a server has
  std::optional<int> tp, cp, pp, vpp, ep, etp;
  CpComm cp_comm = CpComm::kP2p;
  std::optional<std::int64_t> micro_batch_size, global_batch_size, seq_length;
};

/// Why `plan` cannot be for `model`; nothing when it can.
std::optional<std::string> plan_problem(const Model& model, const ParallelPlan& plan,
                                        std::int64_t gpus);

/// Where neither request nor model say: four micro-batches a stage and replica.
std::int64_t default_global_batch(const ParallelPlan& plan);

/// The plan for `request`. Defaults: the model's own plan (the paper's for its five models); a
/// model without one gets tp 1, pp 1 and the largest ep that its experts and the GPUs allow; cp 1,
/// etp as tp; where no plan fills servers of over 8 GPUs, the largest part of each, at least half,
/// that one does;
/// micro-batch 8 and sequence 4096 as in the paper's simulations, and a global batch of 4 * pp
/// micro-batches a replica.
/// Throws Error when it is impossible, with the reason and the nearest plan that is possible.
ParallelPlan make_plan(const Model& model, const PlanRequest& request);

/// "tp 4, pp 4, ep 8, dp 64"; with cp, vpp and etp where these are not 1, 1 and tp.
std::string to_string(const ParallelPlan& plan);
/// "4 servers", or "4 servers, 64 of 72 GPUs each in use".
std::string servers_text(const ParallelPlan& plan);

}  // namespace mixnet
