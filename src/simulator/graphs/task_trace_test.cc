#include "graphs/task_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_trace_events.h"
#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::int64_t kAll = 1'000'000;

TaskRunRequest fluid(FabricKind fabric) {
  TaskRunRequest request;
  request.network.fabric = fabric;
  request.network.latency = Time::zero();
  request.fidelity = Fidelity::kFluid;
  request.input = "g.fbuf";
  return request;
}

const ReadSlice& slice_named(const ReadTrace& trace, std::string_view name) {
  return *std::ranges::find(trace.slices, name, &ReadSlice::name);
}

TEST(TaskTrace, HasATrackForEveryDeviceAndKindOfCommunication) {
  TestGraph test(GraphEra::kMixNet, 2);
  const auto one = test.device();
  const auto other = test.device();
  test.raw().devices[other].node = 1;
  const auto first = test.work(one, 4);
  const auto send = test.send(TaskKind::kP2p, 1'000'000, {1}, {2});
  const auto second = test.work(other, 2, TaskKind::kBackward);
  test.edge(first, send);
  test.edge(send, second);
  const TaskGraph graph = test.graph();
  const TaskRunReport report = run_task_graph(graph, fluid(FabricKind::kIdeal));
  const TaskTrace drawn = to_chrome_trace(graph, report, "a graph", kAll);
  EXPECT_EQ(drawn.nodes, 2);
  EXPECT_EQ(drawn.all_nodes, 2);
  const ReadTrace trace = read_chrome_trace(drawn.text);
  EXPECT_THAT(trace.processes, ElementsAre("2 of 2 nodes", "node 0", "node 1"));
  EXPECT_THAT(trace.tracks.at("node 0"), UnorderedElementsAre("GPU 500", "P2P"));
  EXPECT_THAT(trace.tracks.at("node 1"), UnorderedElementsAre("GPU 501"));
  ASSERT_EQ(trace.slices.size(), 3);
  EXPECT_EQ(slice_named(trace, "FORWARD").end_ns, 4'000'000);
  EXPECT_EQ(slice_named(trace, "P2P").end_ns, 4'080'000);  // a byte takes 80 ps
  EXPECT_EQ(slice_named(trace, "P2P").arguments["bytes"], 1'000'000);
  EXPECT_EQ(slice_named(trace, "BACKWARD").end_ns, 6'080'000);
  EXPECT_EQ(trace.counters.at("devices working, %").front().second, 50);
  EXPECT_EQ(trace.counters.at("devices working, %").back(),
            std::pair(std::int64_t{6'080'000}, 0.0));
}

TEST(TaskTrace, TheSwitchIsDarkAndThenLit) {
  TaskGraph graph = mixnet_test_graph();
  const TaskRunReport report = run_task_graph(graph, fluid(FabricKind::kMixNet));
  ASSERT_EQ(report.switch_moves.size(), report.communication.reconfigurations);
  ASSERT_FALSE(report.switch_moves.empty());
  const ReadTrace trace = read_chrome_trace(to_chrome_trace(graph, report, "", kAll).text);
  const ReadSlice& dark = slice_named(trace, "dark");
  EXPECT_EQ(dark.track, "switch");
  EXPECT_EQ(dark.start_ns, 5'000'000) << "when attention has run";
  EXPECT_EQ(dark.end_ns, 30'000'000);
  EXPECT_EQ(slice_named(trace, "lit for layer 0").start_ns, 30'000'000);
  EXPECT_EQ(slice_named(trace, "GROUP_BY forward all2all").start_ns, 5'000'000);
  EXPECT_TRUE(trace.counters.contains("switches dark"));
}

TEST(TaskTrace, DrawsTheFirstNodesOfMany) {
  TestGraph test(GraphEra::kTopoOpt, 1, 5);
  for (std::uint64_t node = 0; node < 5; ++node) {
    const auto device = test.device();
    test.raw().devices[device].node = node;
    for (int task = 0; task < 3; ++task) test.work(device, 1);
  }
  const TaskGraph graph = test.graph();
  const TaskRunReport report = run_task_graph(graph, fluid(FabricKind::kIdeal));
  const auto nodes = [&](std::int64_t most, std::optional<int> asked = std::nullopt) {
    const TaskTrace drawn = to_chrome_trace(graph, report, "", most, asked);
    EXPECT_EQ(drawn.all_nodes, 5);
    EXPECT_EQ(read_chrome_trace(drawn.text).slices.size(), drawn.nodes * 3);
    return drawn.nodes;
  };
  EXPECT_EQ(nodes(15), 5);
  EXPECT_EQ(nodes(14), 4);
  EXPECT_EQ(nodes(1), 1) << "one at least";
  EXPECT_EQ(nodes(1, 2), 2);
  EXPECT_EQ(nodes(1, 100), 5);
}

TEST(TaskTrace, OfNothingIsEmpty) {
  const TaskGraph graph = TestGraph().graph();
  const TaskRunReport report = run_task_graph(graph, fluid(FabricKind::kIdeal));
  const TaskTrace drawn = to_chrome_trace(graph, report, "", kAll);
  EXPECT_EQ(drawn.nodes, 0);
  EXPECT_TRUE(read_chrome_trace(drawn.text).slices.empty());
}

TEST(TaskTrace, CommunicationsAtATimeTakeLanes) {
  TestGraph test(GraphEra::kTopoOpt, 1, 3);
  const TaskGraph nominal = topoopt_test_graph();
  for (int i = 0; i < 4; ++i) test.send(TaskKind::kAllReduce, 1 << (12 + i), {}, {0, 1, 2});
  for (const TaskGraph& graph : {nominal, test.graph()}) {
    const TaskRunReport report = run_task_graph(graph, fluid(FabricKind::kFatTree));
    const ReadTrace trace = read_chrome_trace(to_chrome_trace(graph, report, "", kAll).text);
    for (const ReadSlice& slice : trace.slices) EXPECT_EQ(slice.depth, 0);
    EXPECT_EQ(trace.slices.size(), graph.tasks.size());
  }
}

}  // namespace
}  // namespace mixnet
