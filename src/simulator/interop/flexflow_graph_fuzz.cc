// Any bytes are refused with an Error, or read as a graph within the limits, which is written in
// its era, read back the same, and written again to the same bytes. DOT text comes from it, too.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "interop/flexflow_graph.h"
#include "interop/task_graph_dot.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  TaskGraph graph;
  try {
    graph = parse_flexflow_graph({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const Error&) {
    return 0;
  }
  // Outside the try: what was read may be written, and what we write may not be refused.
  const std::string once = to_flexflow_graph(graph, "once");
  const TaskGraph again = parse_flexflow_graph(once, "again");
  if (again.tasks.size() != graph.tasks.size() || !(again.next == graph.next) ||
      !(again.from == graph.from) || !(again.to == graph.to)) {
    std::abort();
  }
  if (to_flexflow_graph(again, "twice") != once) std::abort();
  if (to_dot(graph).empty()) std::abort();
  return 0;
}
