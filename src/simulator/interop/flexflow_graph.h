// FlexFlow's task graphs, FlatBuffers files (*.fbuf), in and out: as TopoOpt wrote them (NSDI 2023)
// and as MixNet's simulator reads them. The schemas are flexflow_topoopt.fbs and
// flexflow_mixnet.fbs.
//
// Which era a file is of. Files carry no identifier. One is MixNet's when FlatBuffers' verifier
// finds MixNet's tables in it and at least one task, else TopoOpt's when it finds those. The other
// era's files cannot pass: where MixNet's graph has the place of its operators, TopoOpt's has the
// network's bandwidth, and a float of 2 or more, taken for a place, lies beyond a file of 1 GiB.
// TopoOpt's graphs of a slower network than 2 bytes a ms are refused.
//
// What is wrong with a file is one Error. Before anything is read, the verifier has seen that all
// of it lies inside the file; vectors that share their place may not unfold to more than the file
// has bytes; and names, sizes and numbers are within the limits of task_graph.h. A communication
// task whose device id is no device has none.
//
// Writing is deterministic, and what was written is read and written again to the same bytes. Every
// vector and string is there, if empty (readers in the field expect them); the empty ones, and
// equal names, are stored once. A device of 0 stands for none.
//
// Cost: linear but for finding ids, O(log tasks) each. Memory of reading: the file and the graph;
// of writing: up to three times the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "interop/task_graph.h"

namespace mixnet {

/// `input` names the bytes in errors. Throws Error.
TaskGraph parse_flexflow_graph(std::string_view bytes, std::string_view input);

/// The same from a file of at most 1 GiB; throws Error when it cannot be read.
TaskGraph read_flexflow_graph(const std::filesystem::path& path);

/// Throws Error naming `input` when the graph is out of bounds, would be larger than 1 GiB, or
/// cannot be said in its era: an all-reduce of TopoOpt's has no successors, a task of MixNet's
/// stands for no connections.
std::string to_flexflow_graph(const TaskGraph& graph, std::string_view input);

}  // namespace mixnet
