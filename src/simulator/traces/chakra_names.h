// How tasks of a graph are called in Chakra traces, which have no place for what a task graph knows
// of them: "BACKWARD experts, layer 3, micro-batch 2". Reading it back is best effort: any name is
// one, and says as much as it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interop/task_graph.h"

namespace mixnet {

struct ChakraName {
  std::optional<TaskKind> kind;                    ///< when it begins with one
  std::string name;                                ///< what is left; at most kMaxGraphName bytes
  std::optional<std::int32_t> layer, micro_batch;  ///< both or none
};

/// Of an all-to-all, the name is its info. COMM is called what it is here: P2P, or on a bus
/// FORWARD; an all-reduce of no bytes BARRIER.
std::string to_chakra_name(const TaskGraph& graph, const GraphTask& task);

/// Of one of the messages that an all-to-all is cut into.
std::string message_name(const TaskGraph& graph, const GraphTask& all_to_all);

/// Of a message that only says that something is done.
std::string signal_name();

ChakraName parse_chakra_name(std::string_view text);

}  // namespace mixnet
