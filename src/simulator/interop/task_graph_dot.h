// Task graphs as Graphviz pictures: `dot -Tsvg graph.dot`. A node a task with its name, kind,
// runtime or bytes; work of one device in one colour; an arrow to each successor. Deterministic;
// linear. For graphs of thousands of tasks Graphviz takes minutes; the text is always fast.
#pragma once

#include <string>

#include "interop/task_graph.h"

namespace mixnet {

/// The graph must pass check_task_graph().
std::string to_dot(const TaskGraph& graph);

}  // namespace mixnet
