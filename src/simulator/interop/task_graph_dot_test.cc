#include "interop/task_graph_dot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

TEST(TaskGraphDot, HasEveryTaskAndEdge) {
  TaskGraph graph = topoopt_test_graph();
  graph.names[1] = "a \"quoted\\ name\n";
  graph.tasks[0].name = 1;
  const std::string dot = to_dot(graph);
  EXPECT_THAT(dot, HasSubstr("t0 [label=\"a \\\"quoted\\\\ name?\\nFORWARD 0.25 ms\", "
                             "fillcolor=1];\n"));
  EXPECT_THAT(dot, HasSubstr("t2 [label=\"NOMINAL_COMM 4.1 kB\", shape=ellipse];\n"));
  EXPECT_THAT(dot, HasSubstr("t0 -> t2;\n  t1 -> t3;\n  t2 -> t1;\n}\n"));
}

}  // namespace
}  // namespace mixnet
