// A task graph written as Chakra execution traces, PREFIX.0.et, PREFIX.1.et, ..., for ASTRA-sim and
// whoever else reads them; PREFIX.comm_groups.json says who is in which process group, in
// ASTRA-sim's form.
//
//   work                  COMP_NODE, with its time in whole microseconds; of a GPU's memory
//                         MEM_LOAD_NODE
//   COMM, P2P             COMM_SEND and COMM_RECV, a pair for each transfer, with a tag that counts
//                         the transfers from this rank to that
//   ..._ALLREDUCE         COMM_COLL ALL_REDUCE of its bytes; of none, BARRIER
//   REDUCESCATTER         REDUCE_SCATTER of its bytes
//   ALLGATHER             ALL_GATHER of bytes / group: what each rank brings, as ASTRA-sim has it
//   ALLTOALL              ALL_TO_ALL among the GPUs of the same place in their EP ranks, of the
//                         mean bytes of a rank; where ranks or pairs differ, with comm_splits
//   a transfer to itself  METADATA
// A rank is an endpoint of the graph: a GPU, or a node of TopoOpt's era. Dependencies are those of
// the graph between nodes of one rank; a task that waits for one with which it shares no rank gets
// a message of one byte from it.
//
// Deterministic. Files are written one by one, each whole or not at all. Memory: the graph's again,
// and one rank's nodes.
#pragma once

#include <cstdint>
#include <string>

#include "base/env.h"
#include "interop/task_graph.h"

namespace mixnet {

struct ChakraExport {
  std::string prefix;
  std::string routing = "measured";  ///< of all-to-alls that the graph has no demand for
  std::uint64_t seed = 1;
  std::string input;         ///< names the graph in errors
  Env* env = &system_env();  ///< not null
};

struct ChakraTotals {
  std::size_t ranks = 0, groups = 0;
  std::int64_t nodes = 0, bytes = 0;  ///< of all files
};

/// Throws Error when the graph cannot be executed or said so, when a file cannot be written (those
/// before it are removed, as some ranks would be taken for all), or when there are traces of more
/// ranks under the prefix.
ChakraTotals write_chakra_graph(const TaskGraph& graph, const ChakraExport& options);

}  // namespace mixnet
