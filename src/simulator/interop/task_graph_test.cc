#include "interop/task_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TaskGraph, UnitsOfFiles) {
  EXPECT_EQ(Milliseconds{0.25F}.time(), Time::microseconds(250));
  EXPECT_EQ(BytesPerMs{12.5e6F}.bandwidth(), Bandwidth::gbps(100));
}

TEST(TaskGraph, ListsAreByTask) {
  TaskLists lists;
  lists.add(7);
  lists.add(8);
  lists.end_list();
  lists.end_list();
  lists.append(std::vector<std::uint32_t>{9});
  EXPECT_EQ(lists.size(), 3U);
  EXPECT_EQ(lists.items(), 3U);
  EXPECT_THAT(lists[0], ElementsAre(7, 8));
  EXPECT_TRUE(lists[1].empty());
  EXPECT_THAT(lists[2], ElementsAre(9));
}

TEST(TaskGraph, ErrorsNameTheTask) {
  const TaskGraph graph = mixnet_test_graph();
  EXPECT_EQ(describe(graph, 1), "task 1 (id 1010, ALLTOALL AGGREGATE forward all2all)");
  EXPECT_EQ(describe(graph, 3), "task 3 (id 1030, FORWARD)");
}

TEST(TaskGraph, DemandsAreChecked) {
  const auto error_of = [](const std::vector<std::uint32_t>& demand_of, const GraphDemand& demand) {
    TaskGraph graph = mixnet_test_graph();
    graph.demands = {demand};
    graph.demand_of = demand_of;
    graph.demand_of.resize(demand_of.empty() ? 0 : graph.tasks.size(), TaskGraph::kNoDemand);
    try {
      check_task_graph(graph, "g");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string(graph.demand(0) == nullptr ? "none" : "known");
  };
  EXPECT_EQ(error_of({}, GraphDemand(2, 2)), "none");
  EXPECT_EQ(error_of({0}, GraphDemand(2, 2)), "known");
  EXPECT_THAT(error_of({1}, GraphDemand(2, 2)), HasSubstr("bytes are not listed"));
  EXPECT_THAT(error_of({0}, GraphDemand(2, 3)), HasSubstr("bytes out of range"));
  EXPECT_THAT(error_of({0}, GraphDemand(2, 2, -1)), HasSubstr("bytes out of range"));
}

}  // namespace
}  // namespace mixnet
