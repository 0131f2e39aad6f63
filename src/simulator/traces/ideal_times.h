// When the tasks of a graph would start if nothing but they themselves were in the way: a device
// works on one task after another, in the order in which they got ready; communication takes as
// long as its bytes need alone, at 400 Gb/s, or between GPUs of one server at the graph's speed.
// No network is simulated: it is the order that counts, where several ranks must agree on one.
//
// Every task starts when or after those that it waits for end, so that an order by start, and
// among equals by a topological one, is topological. Deterministic. O(tasks log tasks), 24 bytes a
// task.
#pragma once

#include <vector>

#include "graphs/task_exchange.h"
#include "interop/task_graph.h"

namespace mixnet {

struct IdealTimes {
  std::vector<double> start, end;  ///< milliseconds, by task
};

/// Tasks that wait for each other never start: their times are 0.
IdealTimes ideal_times(const TaskGraph& graph, TaskExchanges& exchanges);

}  // namespace mixnet
