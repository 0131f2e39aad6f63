// Execution traces of PyTorch (torch.profiler.ExecutionTraceObserver): {"schema":
// "1.1.1-chakra.0.0.4", "pid", "time", "nodes": [{"id", "name", "ctrl_deps", "inputs": {"values",
// "shapes", "types"}, "outputs", "attrs": [{"name", "type", "value"}]}]}, one file a rank; older
// schemas (1.0.x) have "parent" and "inputs", "input_types" beside each other.
//
// They say what was called, and have no times: the calls of collectives (torch_comm.h), one after
// another, are all that is taken. Who is in a group is in the node "## process_group:init ##". Of
// which rank a trace is, it does not say. Reads node by node; the calls stay, and 16 bytes a node.
#pragma once

#include <string_view>

#include "interop/torch_rank.h"

namespace mixnet {

/// Throws Error naming the file and the place when it is no execution trace, or a call of a
/// collective says too little.
TorchRank parse_torch_trace(std::string_view text, std::string_view input);

}  // namespace mixnet
