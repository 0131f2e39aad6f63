// Workloads of AICB (aliyun/aicb), which SimAI and ASTRA-sim 1 run: a text of what every rank of a
// training job does, layer by layer.
//
//   HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 4 pp: 1 vpp: 8 ga: 1
//     all_gpus: 16 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 0     (one line)
//   2                                                   lines that follow
//   attention_column -1  875420 ALLGATHER 50331648  437710 REDUCESCATTER 50331648  437710 NONE 0
//   100 mlp_moelayer     -1  1 ALLTOALL_EP 25165824     1 ALLTOALL_EP 25165824         1 NONE 0 100
//
// A line: name, -1, then time, collective and bytes of forward, of the gradient of the input and of
// the gradient of the weights, and the time of the update. Fields are parted by blanks or tabs.
// HYBRID_TRANSFORMER has the same lines.
//
// How SimAI runs it (workload/Workload.cc, system/MockNcclGroup.cc): all lines forward, each one's
// collective after its work; then all lines backward from the last on, the gradient of the input,
// its collective, that of the weights, and its collective beside what follows. Times are
// nanoseconds, of which 1 stands for none. A collective without an ending is of the TP group in
// forward and of input gradients and of the DP group for weights; _EP and _DP_EP say the others.
// Bytes are those of the whole buffer of a rank: before a reduce-scatter, after an all-gather.
//
// Ranks: TP within, then EP, then DP, then PP (SimAI's, with pp 1): a DP group has the ranks of one
// TP place in a stage, which fall into EP groups of `ep` neighbours and DP_EP groups of the same
// place in those. Stages of pp all run the file's lines, as in SimAI, and send each other nothing.
//
// Deterministic; linear in the text. Another parallelism (DATA, HYBRID_DLRM, MICRO), checkpoints
// and unknown collectives are refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interop/chakra_trace.h"

namespace mixnet {

enum class AicbGroup : std::uint8_t { kTp, kDp, kEp, kDpEp };

struct AicbStep {
  std::uint64_t work_ns = 0;
  std::optional<ChakraCollective> collective;
  AicbGroup group = AicbGroup::kTp;
  std::uint64_t bytes = 0;
};

struct AicbLayer {
  std::string name;
  AicbStep forward, input_gradient, weight_gradient;
  std::uint64_t update_ns = 0;
};

struct AicbWorkload {
  std::uint32_t tp = 1, ep = 1, pp = 1, ranks = 1;
  std::vector<AicbLayer> layers;

  std::uint32_t dp() const { return ranks / tp / pp; }
  /// Ranks of the group that `rank` is in, ascending.
  std::vector<std::uint32_t> members(AicbGroup group, std::uint32_t rank) const;
};

/// Throws Error naming the line when it is no such workload, or one that cannot be run.
AicbWorkload parse_aicb_workload(std::string_view text, std::string_view input);

/// What one rank does. All-to-alls of EP groups are the dispatches and combines of their layers, in
/// turn. Groups of one rank have no collectives.
ChakraTrace aicb_rank(const AicbWorkload& workload, std::uint32_t rank);

}  // namespace mixnet
