#include "graphs/task_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "interop/flexflow_graph.h"
#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

constexpr Time kMs = Time::milliseconds(1);

/// Fluid, 100 Gb/s, no latency: a byte takes 80 ps.
TaskRunRequest fluid(FabricKind fabric = FabricKind::kIdeal) {
  TaskRunRequest request;
  request.network.fabric = fabric;
  request.network.latency = Time::zero();
  request.fidelity = Fidelity::kFluid;
  request.input = "g.fbuf";
  return request;
}

std::string error_of(const TaskGraph& graph, const TaskRunRequest& request) {
  try {
    run_task_graph(graph, request);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

double ms(Time time) { return time.to_seconds() * 1e3; }

TEST(TaskRun, ADeviceRunsOneTaskAfterAnotherInOrderOfReadiness) {
  TestGraph test;
  const auto one = test.device();
  const auto other = test.device();
  const auto first = test.work(one, 4);
  const auto late = test.work(one, 1);   // ready at 3
  const auto early = test.work(one, 2);  // ready at 2
  const auto two = test.work(other, 2);
  const auto three = test.work(other, 1);
  test.edge(three, late);
  test.edge(two, early);
  const auto last = test.work(other, 1);  // ready when all of device one is done
  for (const auto before : {first, late, early}) test.edge(before, last);
  const TaskRunReport report = run_task_graph(test.graph(), fluid());
  EXPECT_EQ(report.tasks[first].end, kMs * 4);
  EXPECT_EQ(report.tasks[early].start, kMs * 4);
  EXPECT_EQ(report.tasks[late].start, kMs * 6);
  EXPECT_EQ(report.tasks[last].start, kMs * 7);
  EXPECT_EQ(report.iteration, kMs * 8);
  EXPECT_EQ(report.devices, 2);
  EXPECT_DOUBLE_EQ(report.most_busy, 7.0 / 8);
  EXPECT_DOUBLE_EQ(report.least_busy, 4.0 / 8);
  EXPECT_EQ(report.exposed_share, 0);
}

TEST(TaskRun, TransfersShareTheNetworkBesideWork) {
  TestGraph test;
  const auto device = test.device();
  const auto work = test.work(device, 3);
  const auto a = test.send(TaskKind::kP2p, 12'500'000, {0}, {2});  // 1 ms alone
  const auto b = test.send(TaskKind::kP2p, 25'000'000, {1}, {2});
  const TaskRunReport report = run_task_graph(test.graph(), fluid());
  EXPECT_EQ(report.tasks[work].end, kMs * 3);
  EXPECT_EQ(report.tasks[a].end, kMs * 2);
  EXPECT_EQ(report.tasks[b].end, kMs * 3);
  EXPECT_DOUBLE_EQ(report.network_share, 1);
  EXPECT_EQ(report.communication.network.count, 37'500'000);
  EXPECT_EQ(report.communication.flows, 2);
}

TEST(TaskRun, ExposedIsCommunicationWithoutWork) {
  TestGraph test;
  const auto device = test.device();
  const auto work = test.work(device, 1);
  const auto send = test.send(TaskKind::kP2p, 12'500'000, {0}, {1});
  const auto after = test.work(device, 2);
  test.edge(work, send);
  test.edge(send, after);
  const TaskRunReport report = run_task_graph(test.graph(), fluid());
  EXPECT_EQ(report.iteration, kMs * 4);
  EXPECT_DOUBLE_EQ(report.exposed_share, 0.25);
  EXPECT_DOUBLE_EQ(report.network_share, 0.25);
  EXPECT_DOUBLE_EQ(report.mean_busy, 0.75);
}

TEST(TaskRun, RingsTakeTheirRounds) {
  for (const int members : {2, 3, 8}) {
    TestGraph test;
    std::vector<std::uint32_t> group;
    for (int i = 0; i < members; ++i) group.push_back(static_cast<std::uint32_t>(i));
    const std::int64_t bytes = 12'500'000LL * members;  // parts of 1 ms
    const auto all = test.send(TaskKind::kAllReduce, bytes, {}, group);
    const auto half = test.send(TaskKind::kReduceScatter, bytes, {}, group);
    test.edge(all, half);
    const TaskRunReport report = run_task_graph(test.graph(), fluid());
    EXPECT_EQ(report.tasks[all].end, kMs * (2 * (members - 1)));
    EXPECT_EQ(report.iteration, kMs * (3 * (members - 1)));
    EXPECT_EQ(report.communication.network.count, 3 * (members - 1) * bytes);
  }
}

/// A member waits for what it passes on, not for the whole round: of two parts that are late in
/// different places, neither behind the other, one does not add to the other.
TEST(TaskRun, RingsWaitForNeighboursOnly) {
  TestGraph test;
  const auto ring = test.send(TaskKind::kAllReduce, 4 * 12'500'000, {}, {0, 1, 2, 3});
  const auto beside = test.send(TaskKind::kP2p, 12'500'000, {0}, {1});
  const auto work = test.work(test.device(), 1);
  const auto later = test.send(TaskKind::kP2p, 12'500'000, {3}, {0});
  test.edge(work, later);
  const TaskRunReport report = run_task_graph(test.graph(), fluid());
  EXPECT_EQ(report.tasks[beside].end, kMs * 2) << "0's part of round 1, too";
  EXPECT_EQ(report.tasks[later].end, kMs * 3) << "3's part of round 2, too";
  EXPECT_EQ(report.tasks[ring].end, kMs * 7) << "6 rounds and one delay";
}

TEST(TaskRun, WithinANodeAtTheGraphsBandwidth) {
  TestGraph test(GraphEra::kMixNet, 4);
  const auto ring = test.send(TaskKind::kTpAllReduce, 4'000'000, {}, {0, 1, 2, 3});  // a byte a ns
  const auto alone = test.send(TaskKind::kP2p, 500'000, {1}, {1});  // sends nothing
  const TaskRunReport report = run_task_graph(test.graph(), fluid());
  EXPECT_EQ(report.tasks[ring].end, kMs * 6);
  EXPECT_EQ(report.tasks[alone].end, Time::zero());
  EXPECT_EQ(report.communication.network.count, 0);
  EXPECT_EQ(report.communication.node.count, 6 * 4'000'000);
}

TEST(TaskRun, PeersInAServerShareItsPorts) {
  TestGraph test(GraphEra::kMixNet, 8);
  test.raw().ep = 8;
  const std::vector<std::uint32_t> all = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto exchange =
      test.send(TaskKind::kAllToAll, 1'000'000, all, all, "GROUP_BY forward all2all");
  TaskRunRequest request = fluid();
  request.routing = "uniform";
  const TaskRunReport report = run_task_graph(test.graph(), request);
  // Seven eighths of 8 MB leave every GPU, at a byte a ns.
  EXPECT_EQ(report.tasks[exchange].end, kMs * 7);
  EXPECT_EQ(report.communication.node.count, 8 * 7 * 1'000'000);
  EXPECT_EQ(report.kinds[static_cast<std::size_t>(TaskKind::kAllToAll)].bytes.count, 56'000'000);
}

/// Eight rings of two between the GPUs of two servers far apart, whose NICs are one bundle by NICs.
TEST(TaskRun, HashedPathsAreDrawnForEachPairAndTask) {
  const auto graph = [] {
    TestGraph test(GraphEra::kMixNet, 8, 64);
    for (std::uint32_t gpu = 0; gpu < 8; ++gpu) {
      test.send(TaskKind::kDpAllReduce, 25'000'000, {}, {gpu, 64 + gpu});
    }
    test.send(TaskKind::kP2p, 1, {511}, {0});
    return test.graph();
  }();
  TaskRunRequest request = fluid(FabricKind::kMixNet);
  request.network.optical_degree = 7;  // one EPS NIC for eight GPUs
  std::vector<Time> ends;
  for (request.seed = 1; request.seed <= 20; ++request.seed) {
    ends.push_back(run_task_graph(graph, request).iteration);
    EXPECT_EQ(run_task_graph(graph, request).iteration, ends.back());
  }
  // A NIC sends 8 x 12.5 MB twice, and cannot do better; paths of one NIC do not collide.
  for (const Time end : ends) EXPECT_NEAR(ms(end), 16, 0.1);
  // With a NIC for each GPU, those of one switch meet behind it, by chance.
  request.network.optical_degree = 0;
  ends.clear();
  for (request.seed = 1; request.seed <= 20; ++request.seed) {
    ends.push_back(run_task_graph(graph, request).iteration);
  }
  std::ranges::sort(ends);
  EXPECT_GT(ends.back(), ends.front()) << "the seed counts";
  // The busiest of eight links of eight draws has 2 to 4, most often.
  EXPECT_GE(ms(ends.front()), 2);
  EXPECT_LE(ms(ends[10]), 8.1);
}

TEST(TaskRun, SaysWhatTheGraphLeavesOpen) {
  TestGraph test(GraphEra::kMixNet, 2);
  test.raw().ep = 2;
  test.send(TaskKind::kAllToAll, 1000, {0, 1}, {0, 1}, "GROUP_BY forward all2all");
  test.send(TaskKind::kDpAllReduce, 1000, {}, {1});
  const TaskGraph graph = test.graph();
  TaskRunRequest request = fluid();
  const TaskRunReport report = run_task_graph(graph, request);
  ASSERT_EQ(report.notes.size(), 2U);
  EXPECT_THAT(report.notes[0], HasSubstr("routing measured taken (--routing)"));
  EXPECT_THAT(report.notes[1], HasSubstr("1 collective has one member alone"));
  EXPECT_EQ(nlohmann::json::parse(to_json(graph, report))["notes"].size(), 2U);
  request.routing = "measured";
  EXPECT_EQ(run_task_graph(graph, request).notes.size(), 1U);
}

TEST(TaskRun, TasksThatTakeNoTimeMakeNoDepth) {
  TestGraph test;
  const auto device = test.device();
  std::uint32_t before = test.work(device, 0);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint32_t next = i % 2 == 0 ? test.send(TaskKind::kAllReduce, 0, {}, {0, 1})
                                          : test.work(device, 0, TaskKind::kBarrier);
    test.edge(before, next);
    before = next;
  }
  EXPECT_EQ(run_task_graph(test.graph(), fluid()).iteration, Time::zero());
}

TEST(TaskRun, TopoOptGraphsBringTheirNetwork) {
  const TaskGraph graph = topoopt_test_graph();
  TaskRunRequest request = fluid(FabricKind::kTopoOpt);
  const TaskRunReport report = run_task_graph(graph, request);
  // Rings between three nodes around a switch, then through links of 1, 1 and 2.
  const double send = 4096 * 8 / 100e9 * 1e3;
  const double part = (std::int64_t{1} << 20) / 3 + 1;
  EXPECT_NEAR(ms(report.iteration), 0.25 + send + 0.5 + 4 * part * 8 / 100e9 * 1e3, 1e-6);
  request.network.latency = Time::microseconds(1);
  EXPECT_NEAR(ms(run_task_graph(graph, request).iteration - report.iteration), 5 * 0.002, 1e-6);
  for (const Fidelity fidelity : {Fidelity::kPacket, Fidelity::kAuto}) {
    request.fidelity = fidelity;
    const TaskRunReport packets = run_task_graph(graph, request);
    EXPECT_GT(packets.iteration, report.iteration);
    EXPECT_LT(ms(packets.iteration), 1.1 * ms(report.iteration));
  }
}

/// EP 2 on two servers of two GPUs and three NICs, of which two are optical.
TaskGraph two_servers(int micro_batches) {
  TestGraph test(GraphEra::kMixNet, 2);
  test.raw().ep = 2;
  const std::vector<std::uint32_t> all = {0, 1, 2, 3};
  for (int m = 0; m < micro_batches; ++m) {
    const auto dispatch =
        test.send(TaskKind::kAllToAll, 12'500'000, all, all, "GROUP_BY forward all2all");
    const auto combine =
        test.send(TaskKind::kAllToAll, 12'500'000, all, all, "AGGREGATE forward all2all");
    test.edge(dispatch, combine);
    for (const auto task : {dispatch, combine}) test.task(task).micro_batch = m;
  }
  return test.graph();
}

TaskRunRequest two_circuits() {
  TaskRunRequest request = fluid(FabricKind::kMixNet);
  request.routing = "uniform";
  request.nics_per_server = 3;
  request.network.optical_degree = 2;
  return request;
}

TEST(TaskRun, AllToAllsTakeThePairsCircuits) {
  const TaskRunReport report = run_task_graph(two_servers(1), two_circuits());
  // Each GPU sends half of 25 MB away; 25 MB from server to server over two circuits: 1 ms.
  EXPECT_EQ(report.tasks[0].end, kMs * 26);
  EXPECT_EQ(report.iteration, kMs * 27);
  EXPECT_EQ(report.communication.reconfigurations, 1);
  EXPECT_EQ(report.communication.flows, 8);
}

TEST(TaskRun, AllToAllsWithinAServerDoNotWaitForTheSwitch) {
  TestGraph test(GraphEra::kMixNet, 2);
  test.raw().ep = 2;
  test.send(TaskKind::kAllToAll, 1'000'000, {0, 1}, {0, 1}, "GROUP_BY forward all2all");
  const TaskRunReport report = run_task_graph(test.graph(), two_circuits());
  EXPECT_EQ(report.iteration, kMs) << "a megabyte at a byte a ns";
  EXPECT_EQ(report.communication.reconfigurations, 0);
}

TEST(TaskRun, WithoutCircuitsBytesTakeTheElectricalNics) {
  TaskRunRequest request = two_circuits();
  request.network.optical_degree = 0;
  request.reconfiguration = Time::zero();
  EXPECT_NEAR(ms(run_task_graph(two_servers(1), request).iteration), 2 * 2 / 3.0, 1e-6);
}

TEST(TaskRun, MicroBatchesTakeTurnsWithARegion) {
  const TaskRunReport report = run_task_graph(two_servers(2), two_circuits());
  // Dispatch 0, dispatch 1, combine 0 (set anew, hidden), combine 1.
  EXPECT_EQ(report.tasks[0].end, kMs * 26);
  EXPECT_EQ(report.tasks[2].end, kMs * 52);
  EXPECT_EQ(report.tasks[1].end, kMs * 53);
  EXPECT_EQ(report.tasks[3].end, kMs * 54);
  EXPECT_EQ(report.communication.reconfigurations, 4);
}

TEST(TaskRun, SaysWhatCannotBeExecuted) {
  {
    TestGraph test;
    const auto device = test.device();
    const auto a = test.work(device, 1);
    const auto b = test.work(device, 1);
    test.edge(a, b);
    test.edge(b, a);
    EXPECT_THAT(error_of(test.graph(), fluid()), HasSubstr("never gets ready"));
  }
  {
    TestGraph test;
    test.work(test.device(), 1);
    TaskGraph graph = test.graph();
    graph.tasks[0].counter = 2;
    EXPECT_THAT(error_of(graph, fluid()), HasSubstr("counts 2 predecessors, and 0 name it"));
  }
  {
    TestGraph test;
    const auto device = test.device();
    for (int i = 0; i < 800; ++i) test.work(device, kMaxTaskMs);
    EXPECT_THAT(error_of(test.graph(), fluid()), HasSubstr("over 30 days together"));
  }
  {
    TestGraph test;
    test.send(TaskKind::kP2p, kMaxTaskBytes.count, {0}, {1});
    TaskRunRequest slow = fluid();
    slow.network.bandwidth = {1'000'000};
    EXPECT_THAT(error_of(test.graph(), slow), HasSubstr("has 0 of 1 tasks done"));
  }
  {
    TestGraph test(GraphEra::kMixNet, 2);
    test.raw().gpu_bandwidth = {0};
    test.send(TaskKind::kP2p, 5, {0}, {1});
    EXPECT_THAT(error_of(test.graph(), fluid()), HasSubstr("within a node at 0"));
  }
  EXPECT_THAT(error_of(mixnet_test_graph(), fluid(FabricKind::kTopoOpt)),
              HasSubstr("--fabric: topoopt is the graph's own connections, and it has none"));
  TaskRunRequest small = fluid();
  small.network.hosts = 3;
  EXPECT_THAT(error_of(mixnet_test_graph(), small), HasSubstr("--hosts: 3 are too few"));
}

TEST(TaskRun, JsonHasTheSchema) {
  const TaskGraph graph = mixnet_test_graph();
  const auto json = nlohmann::json::parse(to_json(graph, run_task_graph(graph, fluid())));
  EXPECT_EQ(json["schema"], "mixnet.simulate/1");
  EXPECT_EQ(json["graph"]["era"], "mixnet");
  EXPECT_EQ(json["graph"]["endpoints"], 4);
  EXPECT_TRUE(json["packets"].is_null());
}

/// The made-up twins of the published graphs, against what can be added up by hand.
struct Twin {
  TaskGraph graph;
  double milliseconds;  ///< at 100 Gb/s, where only NICs limit what is sent
};

std::vector<Twin> twins() {
  std::vector<Twin> all;
  // 12 ms of work a GPU; every GPU sends 7 x 2 MB four times.
  all.push_back({moe_test_graph(1), 12 + 4 * 7 * 2e6 * 80e-9});
  // 1 and 2 ms, 15 x 100 kB to and from everybody; 30 rounds of half a megabyte.
  all.push_back({dlrm_test_graph(), 3 + 15 * 1e5 * 80e-9 + 30 * 5e5 * 80e-9});
  // Eight times a millisecond, and the last sum: 62 rounds of 125 kB.
  all.push_back({transformer_test_graph(), 8 + 62 * 1.25e5 * 80e-9});
  return all;
}

TEST(TaskRun, TwinsTakeAsLongAsByHand) {
  for (const Twin& twin : twins()) {
    TaskRunRequest request = fluid();
    request.routing = "uniform";
    EXPECT_NEAR(ms(run_task_graph(twin.graph, request).iteration), twin.milliseconds, 1e-3);
    request.network.latency = Time::microseconds(1);
    request.packets.free_acks = true;
    request.packets.initial_window = 2;
    // Packets have headers, slow starts and way to go: of a ring in every round.
    for (const FabricKind fabric : {FabricKind::kIdeal, FabricKind::kFatTree}) {
      request.network.fabric = fabric;
      request.network.paths = PathPolicy::kSpray;
      request.fidelity = Fidelity::kPacket;
      const TaskRunReport packets = run_task_graph(twin.graph, request);
      EXPECT_GT(ms(packets.iteration), twin.milliseconds) << to_string(fabric);
      EXPECT_LT(ms(packets.iteration), twin.milliseconds * 1.25) << to_string(fabric);
      EXPECT_EQ(packets.packets->time_outs, 0);
    }
  }
}

TEST(TaskRun, TwinsOnMixNetWaitForTheSwitch) {
  // Seven peers and six circuits: a pair of servers is left to the two EPS NICs, where the 16 MB of
  // eight GPUs take 0.64 ms, the others have 16 MB for a circuit, 1.28 ms. Hashed flows of one NIC
  // share it all the same, those of four servers meet behind it.
  for (const Fidelity fidelity : {Fidelity::kFluid, Fidelity::kPacket}) {
    TaskRunRequest request = fluid(FabricKind::kMixNet);
    request.network.latency = Time::microseconds(1);
    request.routing = "uniform";
    request.fidelity = fidelity;
    const TaskRunReport one = run_task_graph(moe_test_graph(1), request);
    EXPECT_GT(ms(one.iteration), 12 + 25 + 4 * 1.28) << to_string(fidelity);
    EXPECT_LT(ms(one.iteration), 12 + 25 + 4 * 1.6) << to_string(fidelity);
    EXPECT_EQ(one.communication.reconfigurations, 1);
    // Two dispatches wait for the switch one after the other.
    const TaskRunReport two = run_task_graph(moe_test_graph(2), request);
    EXPECT_GT(ms(two.iteration), ms(one.iteration) + 25) << to_string(fidelity);
    EXPECT_GE(two.communication.reconfigurations, 2);
  }
}

struct Published {
  const char* file;
  FabricKind fabric;
  int hosts;
  int mtu;
  double milliseconds;  ///< what the authors' simulators answer
};

/// So that tests are named by it.
void PrintTo(const Published& run, std::ostream* out) {
  *out << run.file << " on " << to_string(run.fabric);
}

class PublishedRun : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedRun, IsWithinFivePercent) {
  const Published& published = GetParam();
  const std::filesystem::path path =
      std::filesystem::path(MIXNET_SHARED_DATA_DIR) / "flexflow" / published.file;
  if (!std::filesystem::exists(path)) return;  // the twins above are for those who lack them
  TaskRunRequest request;
  request.network.fabric = published.fabric;
  request.network.hosts = published.hosts;
  request.packets.mtu = published.mtu;
  request.packets.free_acks = true;
  request.packets.initial_window = 2;
  request.input = path.string();
  const TaskRunReport report = run_task_graph(read_flexflow_graph(path), request);
  const double iteration = ms(report.iteration);
  RecordProperty("milliseconds", std::to_string(iteration));
  EXPECT_NEAR(iteration / published.milliseconds, 1, 0.02) << iteration;
  EXPECT_EQ(report.packets->time_outs, 0);
}

INSTANTIATE_TEST_SUITE_P(
    TaskRun, PublishedRun,
    ::testing::Values(Published{"100dlrm_16.fbuf", FabricKind::kFatTree, 16, 9000, 61.244},
                      Published{"100transformer_32.fbuf", FabricKind::kFatTree, 54, 9000, 128.043},
                      Published{"moe64_1L_16MB.fbuf", FabricKind::kFatTree, 64, 1500, 50.175},
                      Published{"moe64_1L_16MB.fbuf", FabricKind::kMixNet, 64, 9000, 71.306}),
    [](const auto& test) {
      std::string name =
          std::string(test.param.file) + "_" + std::string(to_string(test.param.fabric));
      std::ranges::replace_if(
          name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

TEST(TaskRun, TwoMicroBatchesRun) {
  const std::filesystem::path path =
      std::filesystem::path(MIXNET_SHARED_DATA_DIR) / "flexflow" / "moe64_1L_mb2.fbuf";
  const bool is_theirs = std::filesystem::exists(path);
  const TaskGraph graph = is_theirs ? read_flexflow_graph(path) : moe_test_graph(2);
  TaskRunRequest request = fluid(FabricKind::kMixNet);
  const TaskRunReport mixnet = run_task_graph(graph, request);
  // Two dispatches wait for the switch one after the other.
  EXPECT_GT(ms(mixnet.iteration), (is_theirs ? 71 : 36) + 25);
  request.network.fabric = FabricKind::kRailOptimized;
  const Time rails = run_task_graph(graph, request).iteration;
  request.network.fabric = FabricKind::kOversubFatTree;
  EXPECT_GT(run_task_graph(graph, request).iteration, rails);
}

}  // namespace
}  // namespace mixnet
