// The Chakra traces of a job, as people give them (interop/chakra_files.h), as one task graph:
// rank_traces.h says what each node becomes.
#pragma once

#include <span>
#include <string>

#include "interop/task_graph.h"
#include "traces/rank_traces.h"

namespace mixnet {

/// Whether Chakra traces are meant: a folder, the prefix of PATH.0.et, ..., or a file that ends in
/// .et or .json.
bool is_chakra(const std::string& path);

/// That one trace was taken for `ranks`.
std::string copies_note(std::size_t ranks);

/// Throws Error naming the file: damaged, a message without its other half, ranks that disagree
/// about a collective or are missing, numbers out of range. Groups come from
/// PREFIX.comm_groups.json.
TaskGraph read_chakra_graph(ChakraImport options, ImportNotes* notes = nullptr);

/// The same of files in memory, that of rank 0 first; the prefix names them in errors.
TaskGraph parse_chakra_graph(std::span<const std::string> files, const ChakraImport& options);

}  // namespace mixnet
