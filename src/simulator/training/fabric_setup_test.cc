#include "training/fabric_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "moe/demand.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"
#include "training/compute.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

ParallelPlan plan_of(const Model& model, PlanRequest request = {}) {
  return make_plan(model, request);
}

PlanRequest request_of(std::int64_t gpus, int tp, int pp, int ep) {
  PlanRequest request;
  request.gpus = gpus;
  request.tp = tp;
  request.pp = pp;
  request.ep = ep;
  return request;
}

/// Plans of Mixtral 8x22B of every kind: regions of 8 servers, of one, several a server, tp of two
/// servers, one replica.
std::vector<ParallelPlan> plans(const Model& model) {
  std::vector<ParallelPlan> all;
  for (const PlanRequest& request :
       {request_of(1024, 8, 8, 8), request_of(256, 1, 4, 8), request_of(256, 1, 4, 2),
        request_of(512, 16, 4, 4), request_of(128, 4, 2, 8), request_of(64, 4, 2, 8)}) {
    all.push_back(plan_of(model, request));
  }
  return all;
}

RegionDemand uniform_demand(const Model& model, const ParallelPlan& plan) {
  TokenCounts counts;
  RoutingSource::make("uniform",
                      {plan.ep, model.placed_experts, model.top_k, moe_layers(model),
                       plan.tokens_per_micro_batch()},
                      0)
      .counts({}, counts);
  return DemandMaker(plan, model.hidden).make(counts);
}

/// Everything that a training iteration sends.
void expect_all_phases(CommunicationModel& network, const Model& model, const ParallelPlan& plan) {
  const RegionDemand demand = uniform_demand(model, plan);
  for (int stage = 0; stage < plan.pp; ++stage) {
    for (int replica = 0; replica < plan.replicas(); ++replica) {
      const ExchangeTimes times = network.exchange(plan.first_server(stage, replica), demand);
      EXPECT_EQ(times.dispatch.transfer > Time::zero(), plan.region_servers() > 1);
      EXPECT_LT(times.dispatch.transfer, Time::max());
    }
    if (stage + 1 < plan.pp) {
      EXPECT_GT(network
                    .send(plan.first_server(stage, 0), plan.first_server(stage + 1, 0),
                          plan.servers_per_stage(), {1'000'000})
                    .transfer,
                Time::zero());
    }
    const GradientGroups groups = gradient_groups(model, plan, stage);
    network.all_reduce(groups.dense, {1'000'000});
    network.all_reduce(groups.expert, {1'000'000});
  }
}

TEST(CheckNetworkOptions, NamesTheFlag) {
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = plan_of(model);
  const auto message = [&](auto&& change) -> std::string {
    NetworkOptions options;
    change(options);
    try {
      check_network_options(options, plan);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message([](NetworkOptions&) {}), "no error");
  for (const int nics : {-1, 0, 3, 9, 16}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.nics_per_server = nics; }),
                HasSubstr("--nics-per-server"));
  }
  for (const int degree : {-1, 8, 9}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.optical_degree = degree; }),
                HasSubstr("--degree"));
  }
  EXPECT_EQ(message([](NetworkOptions& o) { o.optical_degree = 0; }), "no error");
  EXPECT_EQ(message([](NetworkOptions& o) { o.optical_degree = 7; }), "no error");
  for (const double ratio : {0.5, -1.0, 1e9, std::nan("")}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.oversubscription = ratio; }),
                HasSubstr("--oversubscription"));
  }
  for (const int flows : {0, 1025}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.flows_per_pair = flows; }),
                HasSubstr("--flows-per-pair"));
  }
}

TEST(MakeCommunication, GivesEachFabricItsNics) {
  const Model model = find_model("mixtral-8x7b");
  PlanRequest request;
  request.gpus = 256;
  const ParallelPlan plan = plan_of(model, request);
  NetworkOptions options;
  options.optical_degree = 5;
  const auto make = [&](FabricKind kind) {
    return CommunicationFactory(kind, model, plan, options).make_fluid();
  };
  EXPECT_EQ(make(FabricKind::kIdeal), nullptr);
  EXPECT_EQ(make(FabricKind::kFatTree)->ring_nics(), 8);
  EXPECT_EQ(make(FabricKind::kRailOptimized)->ring_nics(), 8);
  EXPECT_EQ(make(FabricKind::kMixNet)->ring_nics(), 3);
  RegionDemand demand;
  demand.scale_up_inside = 1;
  demand.scale_up_direct = 2;
  demand.scale_up_delegated = 3;
  EXPECT_EQ(make(FabricKind::kOversubFatTree)->scale_up_bytes(demand), 2);
  EXPECT_EQ(make(FabricKind::kMixNet)->scale_up_bytes(demand), 3);
  EXPECT_EQ(make(FabricKind::kTopoOpt)->scale_up_bytes(demand), 3);
  options.ep_nics = EpNics::kOwn;
  EXPECT_EQ(make(FabricKind::kFatTree)->scale_up_bytes(demand), 1);
  EXPECT_FALSE(make(FabricKind::kTopoOpt)->uniform());
  EXPECT_TRUE(make(FabricKind::kFatTree)->uniform());
  options.paths = PathPolicy::kEcmp;
  EXPECT_FALSE(make(FabricKind::kMixNet)->uniform());
}

TEST(MakeCommunication, EveryFabricServesEveryPlan) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans(model)) {
    for (const FabricKind kind : all_fabrics()) {
      SCOPED_TRACE(to_string(plan) + " " + std::string(to_string(kind)));
      const auto network = CommunicationFactory(kind, model, plan, {}).make_fluid();
      if (network != nullptr) expect_all_phases(*network, model, plan);
    }
  }
}

TEST(MakeCommunication, TopoOptServesSmallBatchesAndFewNics) {
  // Gradients outweigh everything when a batch is small, but rings must leave NICs for the rest.
  const Model mixtral = find_model("mixtral-8x7b");
  PlanRequest small;
  small.micro_batch_size = 1;
  small.global_batch_size = 64;
  const ParallelPlan plan = plan_of(mixtral, small);
  expect_all_phases(*CommunicationFactory(FabricKind::kTopoOpt, mixtral, plan, {}).make_fluid(),
                    mixtral, plan);
  // Regions of eight servers with two NICs left for each.
  const Model deepseek = find_model("deepseek-v3");
  NetworkOptions four;
  four.nics_per_server = 4;
  const ParallelPlan wide = plan_of(deepseek);
  expect_all_phases(*CommunicationFactory(FabricKind::kTopoOpt, deepseek, wide, four).make_fluid(),
                    deepseek, wide);
}

TEST(MakeCommunication, TopoOptServesStagesWithoutExperts) {
  // DeepSeek-V3's first three layers are dense, each a stage of two servers here.
  const Model model = find_model("deepseek-v3");
  const ParallelPlan plan = plan_of(model, request_of(976, 1, 61, 16));
  const ExpectedTraffic traffic = expected_traffic(model, plan);
  DirectConnect graph = DirectConnect::find(plan.servers(), 8, traffic);
  const GradientGroups first = gradient_groups(model, plan, 0);
  EXPECT_EQ(first.expert_parameters_per_server, 0);
  ASSERT_EQ(first.dense.front(), (std::vector<int>{0, 1}));
  EXPECT_EQ(graph.route(0, 1).size(), 1u);
}

TEST(GradientGroups, DealEveryServerOnce) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans(model)) {
    SCOPED_TRACE(to_string(plan));
    for (int stage = 0; stage < plan.pp; ++stage) {
      const GradientGroups groups = gradient_groups(model, plan, stage);
      std::set<int> all;
      for (int s = 0; s < plan.servers_per_stage(); ++s) {
        all.insert(stage * plan.servers_per_stage() + s);
      }
      for (const auto& kind : {groups.dense, groups.expert}) {
        std::multiset<int> dealt;
        for (const auto& group : kind) {
          dealt.insert(group.begin(), group.end());
          EXPECT_EQ(group.size(), kind.front().size());
        }
        EXPECT_TRUE(std::ranges::equal(dealt, all));
      }
      // Who holds what, GPU by GPU: servers of a group hold the same shards.
      const auto shards = [&](int server, bool experts) {
        std::set<int> held;
        for (int gpu = 0; gpu < plan.gpus_per_server; ++gpu) {
          const int rank = server * plan.gpus_per_server + gpu;
          const int ep_rank = rank / plan.tp % plan.dp % plan.ep;
          held.insert(rank % plan.tp + (experts ? plan.tp * ep_rank : 0));
        }
        return held;
      };
      std::set<std::set<int>> seen_dense;
      for (const auto& group : groups.dense) {
        for (const int server : group) EXPECT_EQ(shards(server, false), shards(group[0], false));
        EXPECT_TRUE(seen_dense.insert(shards(group[0], false)).second);
      }
      std::set<std::set<int>> seen_expert;
      for (const auto& group : groups.expert) {
        for (const int server : group) EXPECT_EQ(shards(server, true), shards(group[0], true));
        EXPECT_TRUE(seen_expert.insert(shards(group[0], true)).second);
      }
      // And the groups together hold the stage once.
      const auto [dense, expert] = stage_parameters(model, plan, stage);
      const auto dense_groups = static_cast<std::int64_t>(groups.dense.size());
      const auto expert_groups = static_cast<std::int64_t>(groups.expert.size());
      EXPECT_NEAR(static_cast<double>(groups.dense_parameters_per_server * dense_groups),
                  static_cast<double>(dense), static_cast<double>(dense_groups));
      EXPECT_NEAR(static_cast<double>(groups.expert_parameters_per_server * expert_groups),
                  static_cast<double>(expert), static_cast<double>(expert_groups));
    }
  }
}

TEST(ExpectedTraffic, IsBalancedRoutingsDemand) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans(model)) {
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
  const ParallelPlan plan = plan_of(model, request_of(512, 16, 4, 4));
  const ExpectedTraffic traffic = expected_traffic(model, plan);
  std::map<std::pair<int, int>, double> bytes;
  for (const auto& pair : traffic.pairs) bytes[{pair.a, pair.b}] += pair.bytes;
  for (int server = 0; server < plan.servers(); server += 2) {
    EXPECT_GT((bytes[{server, server + 1}]), 0.0);
  }
}

}  // namespace
}  // namespace mixnet
