#include "traces/chakra_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"
#include "graphs/task_run.h"
#include "hardware/gpu.h"
#include "interop/chakra_trace.h"
#include "interop/test_task_graphs.h"
#include "traces/chakra_import.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// An empty folder for a test's traces.
class ChakraExportTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ChakraTotals write(const TaskGraph& graph, const std::string& stem = "job") const {
    return write_chakra_graph(graph, {.prefix = prefix(stem), .input = "graph"});
  }
  std::string prefix(const std::string& stem = "job") const { return (folder_ / stem).string(); }
  ChakraTrace trace(std::size_t rank) const {
    return parse_chakra_trace(read_text_file(chakra_path(prefix(), rank)), "job");
  }
  TaskGraph read(const std::string& stem = "job", std::uint32_t gpus_per_node = 2) const {
    return read_chakra_graph(
        {.prefix = prefix(stem), .gpus_per_node = gpus_per_node, .gpu = find_gpu("h100")});
  }
  /// Written, read and written again: the same files.
  void expect_same_again(const TaskGraph& graph) const {
    const std::size_t ranks = write(graph).ranks;
    write(read(), "again");
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      EXPECT_EQ(read_text_file(chakra_path(prefix(), rank)),
                read_text_file(chakra_path(prefix("again"), rank)))
          << "rank " << rank;
    }
    EXPECT_EQ(read_text_file(prefix() + ".comm_groups.json"),
              read_text_file(prefix("again") + ".comm_groups.json"));
  }

  std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ("chakra_export_" +
       std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
};

/// Device i is GPU i's.
TaskGraph placed(TaskGraph graph) {
  for (std::size_t i = 0; i < graph.devices.size(); ++i) {
    graph.devices[i].node = i / graph.gpus_per_node;
    graph.devices[i].property = i;
  }
  return graph;
}

TaskRunReport run(const TaskGraph& graph) {
  TaskRunRequest request;
  request.network.fabric = FabricKind::kFatTree;
  request.fidelity = Fidelity::kFluid;
  request.input = "graph";
  return run_task_graph(graph, request);
}

TEST_F(ChakraExportTest, NodesOfARank) {
  const ChakraTotals totals = write(placed(mixnet_test_graph()));
  EXPECT_EQ(totals.ranks, 4U);
  EXPECT_EQ(totals.nodes, 4 * 4 + 2);
  const ChakraTrace one = trace(1);
  ASSERT_EQ(one.nodes.size(), 5U);
  const ChakraNode& attention = one.nodes[0];
  EXPECT_EQ(attention.kind, ChakraKind::kCompute);
  EXPECT_EQ(attention.duration_us, 5000U);
  EXPECT_EQ(attention.is_cpu_op, false);
  const ChakraNode& dispatch = one.nodes[1];
  EXPECT_EQ(dispatch.kind, ChakraKind::kCollective);
  EXPECT_EQ(dispatch.name, "ALLTOALL GROUP_BY forward all2all, layer 0, micro-batch 0");
  EXPECT_EQ(dispatch.collective, ChakraCollective::kAllToAll);
  EXPECT_THAT(dispatch.data_deps, ElementsAre(attention.id));
  ASSERT_EQ(dispatch.splits.size(), 2U) << "EP ranks 0 and 1, TP rank 1";
  EXPECT_EQ(dispatch.splits[0] + dispatch.splits[1], 2U << 20);
  EXPECT_EQ(dispatch.comm_size, 2U << 20);
  const ChakraNode& gradients = one.nodes[4];
  EXPECT_EQ(gradients.collective, ChakraCollective::kAllReduce);
  EXPECT_EQ(gradients.comm_size, 4096U);
  EXPECT_THAT(gradients.data_deps, ElementsAre(one.nodes[3].id));
  EXPECT_EQ(gradients.process_group, dispatch.process_group) << "both join GPUs 1 and 3";
  const auto groups = nlohmann::json::parse(read_text_file(prefix() + ".comm_groups.json"));
  EXPECT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[dispatch.process_group], nlohmann::json({1, 3}));
}

TEST_F(ChakraExportTest, WhatComesBackIsTheTranspose) {
  write(placed(mixnet_test_graph()));
  const ChakraTrace low = trace(0);   // EP rank 0
  const ChakraTrace high = trace(2);  // EP rank 1
  EXPECT_EQ(low.nodes[1].splits[1], high.nodes[3].splits[0]);
  EXPECT_EQ(high.nodes[1].splits[0], low.nodes[3].splits[1]);
  EXPECT_NE(low.nodes[1].splits, high.nodes[1].splits) << "an uneven matrix";
}

TEST_F(ChakraExportTest, EvenAllToAllsHaveNoSplits) {
  TaskGraph graph = placed(mixnet_test_graph());
  graph.demands = {GraphDemand(2, 2, 500)};
  graph.demand_of.assign(graph.tasks.size(), TaskGraph::kNoDemand);
  graph.demand_of[0] = graph.demand_of[1] = 0;
  write(graph);
  EXPECT_THAT(trace(0).nodes[1].splits, IsEmpty());
  EXPECT_EQ(trace(0).nodes[1].comm_size, 1000U);
  EXPECT_EQ(read().demands, graph.demands);
}

TEST_F(ChakraExportTest, MessagesHaveATagThatCounts) {
  TestGraph test;
  const auto first = test.send(TaskKind::kP2p, 10, {0, 1, 1}, {1, 0, 1});
  const auto second = test.send(TaskKind::kP2p, 20, {0}, {1});
  test.edge(first, second);
  write(test.graph());
  const ChakraTrace zero = trace(0);
  ASSERT_EQ(zero.nodes.size(), 3U);
  EXPECT_EQ(zero.nodes[0].kind, ChakraKind::kSend);
  EXPECT_EQ(zero.nodes[0].tag, 0U);
  EXPECT_EQ(zero.nodes[1].kind, ChakraKind::kReceive);
  EXPECT_EQ(zero.nodes[1].source, 1U);
  EXPECT_EQ(zero.nodes[2].tag, 1U);
  EXPECT_EQ(zero.nodes[2].comm_size, 20U);
  EXPECT_THAT(zero.nodes[2].data_deps, ElementsAre(0, 1));
}

TEST_F(ChakraExportTest, TasksThatShareNoRankSendAByte) {
  TestGraph test;
  const auto here = test.work(test.device(), 3);
  const auto there = test.work(test.device(), 4);
  test.edge(here, there);
  const TaskGraph graph = placed(test.graph());
  write(graph);
  EXPECT_EQ(trace(0).nodes[1].kind, ChakraKind::kSend);
  EXPECT_EQ(trace(1).nodes[0].kind, ChakraKind::kReceive);
  EXPECT_NEAR(run(read("job", 1)).iteration.to_seconds(), 7e-3, 1e-5);
  expect_same_again(graph);
}

TEST_F(ChakraExportTest, AllRanksTakeCollectivesInOneOrder) {
  // Two sums of the same ranks, of gradients that are ready at other times on each of them: 0 and 1
  // begin with different ones, and would wait for each other.
  TestGraph test;
  const auto fast = test.device();
  const auto slow = test.device();
  const auto a0 = test.work(fast, 1);
  const auto b0 = test.work(fast, 1);
  const auto b1 = test.work(slow, 1);
  const auto a1 = test.work(slow, 1);
  const auto a = test.send(TaskKind::kAllReduce, 100, {}, {0, 1});
  const auto b = test.send(TaskKind::kAllReduce, 200, {}, {0, 1});
  for (const auto& [from, to] : {std::pair(a0, b0), {b1, a1}, {a0, a}, {a1, a}, {b0, b}, {b1, b}}) {
    test.edge(from, to);
  }
  write(placed(test.graph()));
  for (const std::size_t rank : {0, 1}) {
    const ChakraTrace one = trace(rank);
    EXPECT_TRUE(one.control_deps_order_only);
    std::vector<const ChakraNode*> collectives;
    for (const ChakraNode& node : one.nodes) {
      if (node.kind == ChakraKind::kCollective) collectives.push_back(&node);
    }
    ASSERT_EQ(collectives.size(), 2U);
    EXPECT_THAT(collectives[0]->control_deps, IsEmpty());
    EXPECT_THAT(collectives[1]->control_deps, ElementsAre(collectives[0]->id));
    EXPECT_EQ(collectives[0]->comm_size, 100U) << "on rank " << rank;
  }
  EXPECT_EQ(read("job", 1).next.items(), 6U) << "the order is nothing that the job waits for";
}

TEST_F(ChakraExportTest, ACollectiveComesAfterTheSendsBeforeIt) {
  TestGraph test;
  const auto first = test.send(TaskKind::kP2p, 10, {0}, {1});
  const auto second = test.send(TaskKind::kAllReduce, 20, {}, {0, 1});
  const auto work = test.work(test.device(), 1);
  test.edge(work, second);
  (void)first;
  write(placed(test.graph()));
  const ChakraTrace sender = trace(0);
  ASSERT_EQ(sender.nodes[0].kind, ChakraKind::kSend);
  EXPECT_THAT(sender.nodes.back().control_deps, ElementsAre(sender.nodes[0].id));
  EXPECT_THAT(trace(1).nodes.back().control_deps, IsEmpty()) << "a receive holds nobody up";
}

TEST_F(ChakraExportTest, WhatHasNothingToDoHandsOnWhatItWaitsFor) {
  TestGraph test;
  const auto before = test.work(test.device(), 1);
  const auto alone = test.send(TaskKind::kAllReduce, 100, {}, {0});
  const auto oneself = test.send(TaskKind::kP2p, 100, {0}, {0});
  const auto after = test.work(0, 2);
  test.edge(before, alone);
  test.edge(alone, oneself);
  test.edge(oneself, after);
  write(placed(test.graph()));
  const ChakraTrace one = trace(0);
  ASSERT_EQ(one.nodes.size(), 2U);
  EXPECT_THAT(one.nodes[1].data_deps, ElementsAre(one.nodes[0].id));
}

TEST_F(ChakraExportTest, NothingHasNoBytes) {
  TestGraph test;
  test.send(TaskKind::kAllReduce, 0, {}, {0, 1, 2});
  test.send(TaskKind::kP2p, 0, {0}, {1});
  test.send(TaskKind::kAllGather, 0, {}, {0, 1});
  const TaskGraph graph = placed(test.graph());
  write(graph);
  const ChakraTrace one = trace(0);
  ASSERT_EQ(one.nodes.size(), 3U);
  EXPECT_EQ(one.nodes[0].name, "BARRIER, layer 0, micro-batch 0");
  EXPECT_EQ(one.nodes[0].comm_size, 12U);
  EXPECT_EQ(one.nodes[1].comm_size, 1U);
  EXPECT_EQ(one.nodes[2].comm_size, 1U);
  EXPECT_EQ(read("job", 1).tasks[0].bytes.count, 0) << "a barrier again";
  expect_same_again(graph);
}

TEST_F(ChakraExportTest, AMemorySaysWhatItMoves) {
  TestGraph test;
  test.work(test.device(DeviceKind::kGpuMemory), 2);
  TaskGraph graph = placed(test.graph());
  graph.memory_bandwidth = {3e9F};
  write(graph);
  EXPECT_EQ(trace(0).nodes[0].tensor_size, 6'000'000'000U);
  graph.tasks[0].bytes = {77};
  write(graph);
  EXPECT_EQ(trace(0).nodes[0].tensor_size, 77U);
  EXPECT_EQ(read("job", 1).tasks[0].bytes.count, 77) << "and is not lost on the way through";
}

TEST_F(ChakraExportTest, UnevenAllToAllsAsMessages) {
  const TaskGraph graph = placed(mixnet_test_graph());
  write(graph);
  const ChakraTrace splits = trace(0);
  write_chakra_graph(
      graph, {.prefix = prefix(), .all_to_alls = ChakraAllToAlls::kMessages, .input = "graph"});
  const ChakraTrace messages = trace(0);
  const ChakraNode& dispatch = messages.nodes[1];
  EXPECT_EQ(dispatch.kind, ChakraKind::kSend);
  EXPECT_EQ(dispatch.name, "P2P GROUP_BY forward all2all, layer 0, micro-batch 0");
  EXPECT_EQ(dispatch.comm_size, splits.nodes[1].splits[1]);
  EXPECT_EQ(messages.nodes[2].kind, ChakraKind::kReceive);
  EXPECT_NEAR(run(read()).iteration.to_seconds() / run(graph).iteration.to_seconds(), 1, 1e-2);
}

TEST_F(ChakraExportTest, SameBytesAgain) {
  expect_same_again(placed(mixnet_test_graph()));
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  expect_same_again(topoopt_test_graph());
}

TEST_F(ChakraExportTest, TakesAsLongAsTheGraph) {
  const TaskGraph graph = placed(mixnet_test_graph());
  write(graph);
  EXPECT_NEAR(run(read()).iteration.to_seconds() / run(graph).iteration.to_seconds(), 1, 1e-3);
}

TEST_F(ChakraExportTest, OrderOfTheGraphDoesNotMatter) {
  TestGraph test;
  const auto device = test.device();
  const auto last = test.work(device, 1);
  const auto first = test.work(device, 2);
  test.edge(first, last);
  write(test.graph());
  EXPECT_EQ(trace(0).nodes[0].duration_us, 2000U);
  EXPECT_THAT(trace(0).nodes[1].data_deps, ElementsAre(0));
}

TEST_F(ChakraExportTest, RefusesWhatCannotBeSaid) {
  const auto error_of = [&](const std::function<void(TestGraph&)>& fill) -> std::string {
    TestGraph test;
    fill(test);
    try {
      write(test.graph());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of([](TestGraph& test) {
                const auto one = test.work(test.device(), 1);
                test.edge(one, one);
              }),
              HasSubstr("never gets ready"));
  EXPECT_THAT(error_of([](TestGraph& test) {
                test.send(TaskKind::kAllReduce, 5, {}, {1, 1});
              }),
              HasSubstr("joins a GPU twice"));
  EXPECT_THAT(error_of([](TestGraph& test) { test.send(TaskKind::kAllReduce, 5, {}, {}); }),
              HasSubstr("joins nobody"));
  EXPECT_THAT(error_of([](TestGraph& test) {
                test.work(test.device(), 1);
                test.raw().devices[0].node = 1ULL << 40;
              }),
              HasSubstr("of node 1099511627776"));
  write(placed(mixnet_test_graph()));
  EXPECT_THAT(error_of([](TestGraph& test) { test.work(test.device(), 1); }),
              HasSubstr("job.1.et: exists, and the graph has 1 ranks"));
}

// Some of the ranks would be taken for all.
TEST(ChakraExport, AFullDiskLeavesNoTrace) {
  const TaskGraph graph = placed(mixnet_test_graph());
  FakeEnv env;
  const ChakraExport options{.prefix = "job", .input = "graph", .env = &env};
  const ChakraTotals totals = write_chakra_graph(graph, options);
  ASSERT_GT(totals.ranks, 1U);
  std::size_t used = 0;
  for (const std::string& file : env.files()) used += env.content(file)->size();
  FakeEnv full;
  full.limit_space(used - 1);
  try {
    write_chakra_graph(graph, {.prefix = "job", .input = "graph", .env = &full});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("job.comm_groups.json: cannot be written (No space left"));
  }
  EXPECT_THAT(full.files(), IsEmpty());
}

}  // namespace
}  // namespace mixnet
