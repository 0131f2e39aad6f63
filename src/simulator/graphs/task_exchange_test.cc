#include "graphs/task_exchange.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/text_file.h"
#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

std::string error_of(const TaskGraph& graph) {
  try {
    const TaskExchanges exchanges(graph, "measured", 1, "g.fbuf");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TaskExchanges, RingsOfReducingTasks) {
  TestGraph test;
  const auto all = test.send(TaskKind::kAllReduce, 1000, {}, {0, 1, 2});
  const auto half = test.send(TaskKind::kAllGather, 1000, {}, {3, 1});
  const auto alone = test.send(TaskKind::kDpAllReduce, 1000, {}, {5});
  const auto empty = test.send(TaskKind::kTpAllReduce, 0, {}, {0, 1});
  const TaskGraph graph = test.graph();
  const TaskExchanges exchanges(graph, "measured", 1, "g");
  EXPECT_EQ(exchanges.endpoints(), 6U);
  EXPECT_EQ(exchanges.ring(all)->rounds, 4);
  EXPECT_EQ(exchanges.ring(all)->part.count, 334);
  EXPECT_EQ(exchanges.ring(half)->rounds, 1);
  EXPECT_EQ(exchanges.ring(half)->part.count, 500);
  EXPECT_EQ(exchanges.ring(half)->members[0], 3U);
  EXPECT_EQ(exchanges.ring(alone)->rounds, 0);
  EXPECT_EQ(exchanges.ring(empty)->rounds, 0);
}

/// The bytes of an all-to-all by pair of GPUs.
std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> bytes_of(const TaskGraph& graph,
                                                                         std::size_t task) {
  TaskExchanges exchanges(graph, "measured", 1, "g");
  std::vector<TaskTransfer> transfers;
  exchanges.transfers(task, transfers);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> bytes;
  for (const TaskTransfer& one : transfers) bytes[{one.from, one.to}] += one.bytes.count;
  return bytes;
}

TEST(TaskExchanges, AllToAllFollowsTheMatrixPerTpRank) {
  TestGraph test(GraphEra::kMixNet, 2);
  test.raw().ep = 8;
  std::vector<std::uint32_t> gpus(16);
  for (std::uint32_t i = 0; i < 16; ++i) gpus[i] = i;
  const std::int64_t bytes = 1 << 20;
  const auto dispatch =
      test.send(TaskKind::kAllToAll, bytes, gpus, gpus, "GROUP_BY forward all2all");
  const auto combine =
      test.send(TaskKind::kAllToAll, bytes, gpus, gpus, "AGGREGATE forward all2all");
  const auto back_combine =
      test.send(TaskKind::kAllToAll, bytes, gpus, gpus, "AGGREGATE backward all2all");
  const auto back_dispatch =
      test.send(TaskKind::kAllToAll, bytes, gpus, gpus, "GROUP_BY backward all2all");
  const TaskGraph graph = test.graph();
  const auto sent = bytes_of(graph, dispatch);
  EXPECT_EQ(sent.size(), 8U * 7 * 2);
  // The production matrix: rank 0 sends 5338 of its 32768 copies to rank 1 (rows sum to a little
  // less or more than that there; here to 9810 + 5338 + ... = 32768).
  const double row = 9810 + 5338 + 1231 + 3042 + 4452 + 2004 + 841 + 6050;
  EXPECT_NEAR(static_cast<double>(sent.at({0, 2})), 8.0 * bytes * 5338 / row, 20);
  EXPECT_EQ(sent.at({0, 2}), sent.at({1, 3})) << "the other TP rank";
  EXPECT_EQ(sent.count({0, 3}), 0U) << "only to the same TP rank";
  for (const auto& [pair, count] : bytes_of(graph, combine)) {
    EXPECT_EQ(count, sent.at({pair.second, pair.first}));
  }
  EXPECT_EQ(bytes_of(graph, back_combine), sent);
  EXPECT_EQ(bytes_of(graph, back_dispatch), bytes_of(graph, combine));
  EXPECT_TRUE(is_dispatch(graph, graph.tasks[dispatch]));
  for (const auto other : {combine, back_combine, back_dispatch}) {
    EXPECT_FALSE(is_dispatch(graph, graph.tasks[other]));
  }
}

TEST(TaskExchanges, AnyEpDegree) {
  for (const std::uint32_t ep : {1, 2, 3, 5, 16, 64}) {
    TestGraph test;
    test.raw().ep = ep;
    std::vector<std::uint32_t> gpus(ep);
    for (std::uint32_t i = 0; i < ep; ++i) gpus[i] = i;
    test.send(TaskKind::kAllToAll, 1 << 20, gpus, gpus, "GROUP_BY forward all2all");
    const TaskGraph graph = test.graph();
    // A rank sends ep times the mean pair's bytes, of which its own share stays.
    const std::int64_t row = (std::int64_t{1} << 20) * ep;
    TaskExchanges exchanges(graph, "measured", 1, "g");
    const GraphDemand& demand = exchanges.demand(0);
    const auto sent = bytes_of(graph, 0);
    for (std::uint32_t s = 0; s < ep; ++s) {
      std::int64_t away = 0;
      for (std::uint32_t d = 0; d < ep; ++d) {
        if (s != d && sent.contains({s, d})) away += sent.at({s, d});
      }
      EXPECT_NEAR(static_cast<double>(away + demand(s, s)), static_cast<double>(row), ep)
          << "rank " << s << " of " << ep;
      EXPECT_GE(away, ep == 1 ? 0 : row / 8) << "rank " << s << " of " << ep;
    }
  }
}

TEST(TaskExchanges, ATraceSaysHowManyExpertsARankHas) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("task_exchange_test_{}.csv", getpid());
  write_text_file(file,
                  "sequence,token,layer,expert0,expert1,expert2\n"
                  "0,0,0,0,1,3\n0,1,0,0,2,3\n");  // 2, 1, 1, 2 of the four experts
  TestGraph test;
  test.raw().ep = 2;
  test.send(TaskKind::kAllToAll, 600, {0, 1}, {0, 1}, "GROUP_BY forward all2all");
  const TaskGraph graph = test.graph();
  TaskExchanges exchanges(graph, "trace:" + file.string(), 1, "g");
  EXPECT_EQ(exchanges.demand(0)(0, 0), 600);
  EXPECT_EQ(exchanges.demand(0)(0, 1), 600);
  EXPECT_THAT(exchanges.routing_note(), HasSubstr("has 2 tokens"));
  std::filesystem::remove(file);
}

TEST(TaskExchanges, TransfersOfPairs) {
  TestGraph test(GraphEra::kTopoOpt, 1, 4);
  test.raw().switches = 1;
  const auto link = test.device(DeviceKind::kNetworkNominal, 3 * 5 + 1);
  const auto over = test.send_over(link, 500);
  const TaskGraph graph = test.graph();
  TaskExchanges exchanges(graph, "measured", 1, "g");
  std::vector<TaskTransfer> transfers;
  exchanges.transfers(over, transfers);
  ASSERT_EQ(transfers.size(), 1U);
  EXPECT_EQ(transfers[0].from, 3U);
  EXPECT_EQ(transfers[0].to, 1U);
  EXPECT_EQ(transfers[0].bytes.count, 500);
  EXPECT_FALSE(exchanges.uses_routing());
}

TEST(TaskExchanges, RefusesWhatCannotBeExecuted) {
  {
    TestGraph test(GraphEra::kTopoOpt, 1, 4);
    test.raw().switches = 1;
    test.send_over(test.device(DeviceKind::kNetwork, 4 * 5 + 1), 500, TaskKind::kComm);
    EXPECT_THAT(error_of(test.graph()), HasSubstr("goes from 4 to 1, of which one is no node"));
  }
  {
    TestGraph test;
    test.send_over(test.device(), 500);
    EXPECT_THAT(error_of(test.graph()), HasSubstr("names no network device"));
  }
  {
    TestGraph test;
    test.send(TaskKind::kP2p, 5, {0, 1}, {2});
    EXPECT_THAT(error_of(test.graph()), HasSubstr("has 2 senders and 1 receivers"));
  }
  {
    TestGraph test;
    test.raw().ep = 2;
    test.send(TaskKind::kAllToAll, 5, {0, 1, 2}, {0, 1, 2}, "GROUP_BY forward all2all");
    EXPECT_THAT(error_of(test.graph()), HasSubstr("joins 3 GPUs, no multiple of the EP degree 2"));
  }
  {
    TestGraph test;
    test.raw().ep = 0;
    test.send(TaskKind::kAllToAll, 5, {0}, {0});
    EXPECT_THAT(error_of(test.graph()), HasSubstr("an EP degree of 0"));
  }
  {
    TestGraph test(GraphEra::kTopoOpt, 1, 2);
    test.send(TaskKind::kAllReduce, 5, {}, {0, 2});
    EXPECT_THAT(error_of(test.graph()), HasSubstr("joins node 2"));
  }
  {
    TestGraph test;
    for (int i = 0; i < 40; ++i) test.send(TaskKind::kP2p, kMaxTaskBytes.count, {0}, {1});
    EXPECT_THAT(error_of(test.graph()), HasSubstr("over 2^53 bytes"));
  }
  {
    TestGraph test;
    std::vector<std::uint32_t> many(50'000);
    for (std::uint32_t i = 0; i < many.size(); ++i) many[i] = i;
    test.send(TaskKind::kAllReduce, 1 << 20, {}, many);
    EXPECT_THAT(error_of(test.graph()), HasSubstr("over 2000000000 transfers"));
  }
}

TEST(TaskExchanges, AKnownDemandGoesBeforeTheRouting) {
  TestGraph test(GraphEra::kMixNet, 2);
  test.raw().ep = 7;  // of the routing; the demand has rows of its own
  const auto dispatch =
      test.send(TaskKind::kAllToAll, 9, {0, 1, 2, 3}, {0, 1, 2, 3}, "GROUP_BY forward all2all");
  const auto combine =
      test.send(TaskKind::kAllToAll, 9, {0, 1, 2, 3}, {0, 1, 2, 3}, "AGGREGATE forward all2all");
  GraphDemand demand(2, 2);
  demand(0, 0) = 100;
  demand(0, 1) = 30;
  test.raw().demands = {demand};
  test.raw().demand_of = {0, 0};
  const TaskGraph graph = test.graph();
  EXPECT_FALSE(TaskExchanges(graph, "measured", 1, "g").uses_routing());
  const std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> there = {{{0, 2}, 30},
                                                                                 {{1, 3}, 30}};
  const std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> back = {{{2, 0}, 30},
                                                                                {{3, 1}, 30}};
  EXPECT_EQ(bytes_of(graph, dispatch), there);
  EXPECT_EQ(bytes_of(graph, combine), back);
}

}  // namespace
}  // namespace mixnet
