#include "training/expected_traffic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

#include "moe/model_catalog.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

TEST(ExpectedTraffic, IsBalancedRoutingsDemand) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans_of_every_kind(model)) {
    if (plan.tp > plan.gpus_per_server) continue;
    SCOPED_TRACE(to_string(plan));
    const ExpectedTraffic traffic = expected_traffic(model, plan);
    double bytes = 0;
    for (const auto& pair : traffic.pairs) {
      EXPECT_LT(pair.a, pair.b);
      EXPECT_EQ(pair.a / plan.region_servers(), pair.b / plan.region_servers());
      bytes += pair.bytes;
    }
    // Tokens that leave their server, of all layers, micro-batches and replicas, four times.
    const double outside = 1 - 1.0 / plan.region_servers();
    const double expected = outside * 4 * model.layers *
                            static_cast<double>(plan.tokens_per_iteration()) * model.top_k * 2 *
                            model.hidden;
    EXPECT_NEAR(bytes, expected, 1e-6 * expected);
    EXPECT_EQ(traffic.neighbours.size(),
              static_cast<std::size_t>(plan.servers() - plan.servers_per_stage()));
    for (const auto& [a, b] : traffic.neighbours) EXPECT_EQ(b, a + plan.servers_per_stage());
  }
}

TEST(ExpectedTraffic, TensorParallelismOverTwoServersIsTheirs) {
  const Model model = find_model("mixtral-8x22b");
  const ParallelPlan plan = make_plan(model, request_of(512, 16, 4, 4));
  const ExpectedTraffic traffic = expected_traffic(model, plan);
  std::map<std::pair<int, int>, double> bytes;
  for (const auto& pair : traffic.pairs) bytes[{pair.a, pair.b}] += pair.bytes;
  for (int server = 0; server < plan.servers(); server += 2) {
    EXPECT_GT((bytes[{server, server + 1}]), 0.0);
  }
}

TEST(ExpectedTraffic, ARegionWithoutExpectedBytesIsJoinedAllTheSame) {
  // 32 tokens to one of 256 experts: between most of the 64 servers, nothing.
  Model model = find_model("deepseek-v3");
  model.top_k = 1;
  PlanRequest request = request_of(512, 1, 1, 128);
  request.gpus_per_server = 2;
  request.micro_batch_size = 1;
  request.seq_length = 32;
  const ParallelPlan plan = make_plan(model, request);
  const ExpectedTraffic traffic = expected_traffic(model, plan);
  ASSERT_TRUE(std::ranges::any_of(traffic.pairs, [](const auto& pair) { return pair.bytes == 0; }));
  DirectConnect graph = DirectConnect::find(plan.servers(), plan.gpus_per_server, traffic);
  const int region = plan.region_servers();
  ASSERT_GT(region, 1);
  for (int server = 0; server < plan.servers(); ++server) {
    for (int other = server / region * region; other < server / region * region + region; ++other) {
      EXPECT_EQ(graph.route(server, other).empty(), server == other) << server << " " << other;
    }
  }
}

TEST(ExpectedTraffic, TwoNicsAServerJoinEveryRegion) {
  // The rings over replicas would take both NICs and leave the servers of a region apart.
  const Model model = find_model("mixtral-8x7b");
  for (const int seq_length : {8, 4096}) {
    PlanRequest request = request_of(512, 1, 1, 8);
    request.gpus_per_server = 2;
    request.seq_length = seq_length;
    const ParallelPlan plan = make_plan(model, request);
    DirectConnect graph = DirectConnect::find(plan.servers(), 2, expected_traffic(model, plan));
    for (int server = 1; server < plan.servers(); ++server) {
      EXPECT_FALSE(graph.route(server, server - 1).empty()) << server;
    }
  }
}

}  // namespace
}  // namespace mixnet
