// An executed task graph as Chrome's trace events: a process for every node, with a track for every
// device that works, one for every kind of communication that begins there, and, on the first node
// of a region of MixNet's, one for its switch; and a process for all, with counters.
// docs/timeline.md says how to read it.
//
// Pure, deterministic. About 170 bytes a task; memory: the text and 32 bytes a task.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "graphs/task_run.h"
#include "interop/task_graph.h"

namespace mixnet {

struct TaskTrace {
  std::string text;
  int nodes = 0;      ///< drawn: the first
  int all_nodes = 0;  ///< on which something happens
};

/// `report`: of that graph. At most so many nodes are drawn as have `most_spans` together, or
/// exactly `nodes`, where it has them. Counters are those of all.
TaskTrace to_chrome_trace(const TaskGraph& graph, const TaskRunReport& report,
                          std::string_view title, std::int64_t most_spans,
                          std::optional<int> nodes = std::nullopt);

}  // namespace mixnet
