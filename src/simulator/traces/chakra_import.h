// The Chakra traces of a job, as people give them (interop/chakra_files.h), as one task graph:
// rank_traces.h says what each node becomes.
#pragma once

#include <span>
#include <string>

#include "traces/rank_traces.h"
#include "interop/task_graph.h"

namespace mixnet {

/// Throws Error naming the file: damaged, a message without its other half, ranks that disagree
/// about a collective or are missing, numbers out of range. Groups come from
/// PREFIX.comm_groups.json.
TaskGraph read_chakra_graph(ChakraImport options, ImportNotes* notes = nullptr);

/// The same of files in memory, that of rank 0 first; the prefix names them in errors.
TaskGraph parse_chakra_graph(std::span<const std::string> files, const ChakraImport& options);

}  // namespace mixnet
