// People's own traces as one task graph, whatever format they are in: profiles and execution traces
// of PyTorch, one file a rank, a workload of AICB, one file for all ranks, or Chakra's. The format
// is found from the first bytes; kTraceFormats in trace_files.cc is the table of them.
//
// Which rank a file is of: as it says itself (a profile's "distributedInfo"), else the digits after
// "rank" in its name, else the last digits in it. A folder is its .json files, or else all in it.
// Where a rank has a profile and an execution trace, times come from the one and calls from the
// other.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "traces/rank_traces.h"

namespace mixnet {

struct TraceJob {
  TaskGraph graph;
  std::string format;              ///< "Kineto profiles of PyTorch"
  std::vector<std::string> notes;  ///< what the files do not say and was taken
};

/// `options.prefix` and `.groups` are not looked at. Throws Error naming the file and the place:
/// a format that is none of these, formats that do not go together, ranks that are there twice or
/// missing, and what the readers and join_rank_traces() refuse.
TraceJob read_trace_files(std::span<const std::string> paths, ChakraImport options);

/// Whether `path` is a file in one of the formats, or a folder of them (and none that ends in .et).
bool is_trace_file(const std::string& path);

}  // namespace mixnet
