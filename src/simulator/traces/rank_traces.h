// What the ranks of a job did, each in Chakra's terms, as one task graph of MixNet's era with a GPU
// for each rank.
//
//   COMP_NODE             work on the GPU (is_cpu_op: on a CPU of its own) for duration_micros;
//                         where that is 0, a roofline: the longer of num_ops / FLOP/s and
//                         tensor_size / memory bandwidth
//   MEM_LOAD, MEM_STORE   beside the GPU, for duration_micros, else tensor_size / memory bandwidth
//   COMM_SEND, COMM_RECV  one transfer: the n-th send from src to dst with a tag is the n-th
//                         receive of these. It starts when the send is ready; the receive has ended
//                         when it has arrived and what the receive waits for has ended
//   COMM_COLL             the n-th of a process group (pg_name; none or "0": all ranks) on one rank
//                         is the n-th on all of its ranks, which are those that name it; one
//                         rank alone is refused, and who is missing by chakra_groups.h.
//                         ALL_GATHER brings comm_size of each rank; REDUCE and BROADCAST are half a
//                         ring, of REDUCE_SCATTER and ALL_GATHER. ALL_TO_ALL sends comm_size /
//                         ranks to each, or comm_splits. GATHER and SCATTER, which do not say to or
//                         from whom, are refused. An ALL_REDUCE that is named BARRIER
//                         (write_chakra_graph()) is one. Without a comm_type and not on a GPU it
//                         is what PyTorch's CPU side did to launch one: work of the CPU
//   others                end at once, or after duration_micros beside the GPU
// Control and data dependencies count alike, except control dependencies that the trace says are of
// order only; ids and order of nodes and start times say nothing, but that collectives and messages
// count in the order of the file. As PyTorch's traces have them, dependencies on nodes that are not
// there or on the node itself are passed over, and where a rank's control dependencies, which there
// are call stacks, make a circle with its data dependencies, all of that rank's. The notes say so.
//
// Names like those that write_chakra_graph() gives say more: kind of task, layer and micro-batch.
// An all-to-all without them counts as a dispatch of its own, so that on MixNet it waits for the
// switch: its n-th in a group is layer n.
//
// Deterministic; tasks stand in the order of the files as far as that is one. Memory: 250
// bytes a node, and one rank's file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hardware/gpu.h"
#include "interop/chakra_trace.h"
#include "interop/task_graph.h"
#include "traces/chakra_groups.h"

namespace mixnet {

struct ChakraImport {
  std::string prefix;     ///< or what else people gave: find_chakra_files()
  std::size_t ranks = 0;  ///< that all did what the one trace says; 0: one a trace
  std::uint32_t gpus_per_node = 8;
  Gpu gpu;                                                    ///< its NVLink, and the roofline
  ChakraGroups groups = {};                                   ///< as far as they are known
  double compute_efficiency = 0.55, memory_efficiency = 0.8;  ///< of the peak and the bandwidth
};

/// What was passed over or taken, a line each.
using ImportNotes = std::vector<std::string>;

/// What one rank did, from whatever format, and the file that says so, which names it in errors.
struct RankTrace {
  std::string file;
  ChakraTrace trace;
};
using RankTraces = std::function<RankTrace(std::size_t rank)>;

/// Traces are asked for one by one, rank 0 first, each once. Throws Error naming the file: a
/// message without its other half, ranks that disagree about a collective or are missing, numbers
/// out of range.
TaskGraph join_rank_traces(std::size_t ranks, const RankTraces& trace_of,
                           const ChakraImport& options, ImportNotes* notes = nullptr);

}  // namespace mixnet
