// A task graph written as Chakra execution traces, PREFIX.0.et, PREFIX.1.et, ..., for ASTRA-sim and
// whoever else reads them; PREFIX.comm_groups.json says who is in which process group, in
// ASTRA-sim's form.
//
//   work                  COMP_NODE, with its time in whole microseconds; of a GPU's memory
//                         MEM_LOAD_NODE, with its bytes
//   COMM, P2P             COMM_SEND and COMM_RECV, a pair for each transfer, with a tag that counts
//                         the transfers from this rank to that
//   ..._ALLREDUCE         COMM_COLL ALL_REDUCE of its bytes; of none, of 4 a member, named BARRIER
//   REDUCESCATTER         REDUCE_SCATTER of its bytes
//   ALLGATHER             ALL_GATHER of bytes / group: what each rank brings, as ASTRA-sim has it
//   ALLTOALL              ALL_TO_ALL among the GPUs of the same place in their EP ranks, of the
//                         mean bytes of a rank; where ranks or pairs differ, with comm_splits, or
//                         as COMM_SEND and COMM_RECV of what each pair has
//   nothing to do         nothing: what waits for a transfer to oneself or a collective of one
//                         waits for what that waits for
// Nothing has no bytes: a message has one at least, a collective one a member.
//
// A rank is an endpoint of the graph: a GPU, or a node of TopoOpt's era. Dependencies are those of
// the graph between nodes of one rank; a task that waits for one with which it shares no rank gets
// a message of one byte from it.
//
// ASTRA-sim has one send or collective of a rank under way and takes the lowest id that is ready,
// so that ranks which take two collectives in different orders wait for each other. All ranks are
// therefore given one order, by control dependencies (collective_order.h), which
// ctrl_deps_order_only in the metadata tells from what the job waits for.
//
// Deterministic. Files are written one by one, each whole or not at all. Memory: the graph's again,
// and one rank's nodes.
#pragma once

#include <cstdint>
#include <string>

#include "base/env.h"
#include "base/names.h"
#include "interop/task_graph.h"

namespace mixnet {

/// How an uneven all-to-all is written.
enum class ChakraAllToAlls : std::uint8_t {
  kSplits,   ///< one collective with comm_splits, which is ours: others take the mean
  kMessages  ///< sends and receives, which all understand; rows x (rows - 1) of each
};

template <>
struct Names<ChakraAllToAlls> {
  static constexpr std::string_view kWhat = "form of all-to-alls";
  static constexpr NamedValue<ChakraAllToAlls> kTable[] = {
      {"splits", ChakraAllToAlls::kSplits}, {"messages", ChakraAllToAlls::kMessages}};
};

struct ChakraExport {
  std::string prefix;
  std::string routing = "measured";  ///< of all-to-alls that the graph has no demand for
  std::uint64_t seed = 1;
  ChakraAllToAlls all_to_alls = ChakraAllToAlls::kSplits;
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
