// The Chakra traces of a job, PREFIX.0.et, PREFIX.1.et, ..., as one task graph of MixNet's era,
// with a GPU for each rank.
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
//                         from whom, are refused
//   others                end at once, or after duration_micros beside the GPU
// control and data dependencies count alike; ids and order of nodes and start times say nothing,
// but that collectives and messages count in the order of the file.
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
#include <span>
#include <string>

#include "graphs/chakra_groups.h"
#include "hardware/gpu.h"
#include "interop/chakra_trace.h"
#include "interop/task_graph.h"

namespace mixnet {

struct ChakraImport {
  std::string prefix;
  std::uint32_t gpus_per_node = 8;
  Gpu gpu;                                                    ///< its NVLink, and the roofline
  ChakraGroups groups = {};                                   ///< as far as they are known
  double compute_efficiency = 0.55, memory_efficiency = 0.8;  ///< as ComputeOptions
};

/// Throws Error naming the file: damaged, a message without its other half, ranks that disagree
/// about a collective or are missing, numbers out of range. Groups come from
/// PREFIX.comm_groups.json.
TaskGraph read_chakra_graph(ChakraImport options);

/// The same of files in memory, that of rank 0 first; the prefix names them in errors.
TaskGraph parse_chakra_graph(std::span<const std::string> files, const ChakraImport& options);

/// What one rank did, from whatever format, and the file that says so, which names it in errors.
struct RankTrace {
  std::string file;
  ChakraTrace trace;
};
using RankTraces = std::function<RankTrace(std::size_t rank)>;

/// The same of traces that come one by one, rank 0 first, each asked for once.
TaskGraph join_rank_traces(std::size_t ranks, const RankTraces& trace_of,
                           const ChakraImport& options);

}  // namespace mixnet
