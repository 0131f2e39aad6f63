#include "training/communication_factory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "moe/demand.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"
#include "training/expected_traffic.h"
#include "training/gradient_groups.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

RegionDemand uniform_demand(const Model& model, const ParallelPlan& plan) {
  TokenCounts counts;
  routing_of("uniform", model, plan).counts({}, counts);
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

TEST(CommunicationFactory, GivesEachFabricItsNics) {
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = default_plan(model, 256);
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
  EXPECT_EQ(make(FabricKind::kOversubFatTree)->scale_up_bytes(0, demand), 2);
  EXPECT_EQ(make(FabricKind::kMixNet)->scale_up_bytes(0, demand), 3);
  EXPECT_EQ(make(FabricKind::kTopoOpt)->scale_up_bytes(0, demand), 3);
  options.ep_nics = EpNics::kOwn;
  EXPECT_EQ(make(FabricKind::kFatTree)->scale_up_bytes(0, demand), 1);
  EXPECT_FALSE(make(FabricKind::kTopoOpt)->uniform());
  EXPECT_TRUE(make(FabricKind::kFatTree)->uniform());
  options.paths = PathPolicy::kEcmp;
  EXPECT_FALSE(make(FabricKind::kMixNet)->uniform());
}

TEST(CommunicationFactory, EveryFabricServesEveryPlan) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans_of_every_kind(model)) {
    for (const FabricKind kind : all_fabrics()) {
      SCOPED_TRACE(to_string(plan) + " " + std::string(to_string(kind)));
      const auto network = CommunicationFactory(kind, model, plan, {}).make_fluid();
      if (network != nullptr) expect_all_phases(*network, model, plan);
    }
  }
}

TEST(CommunicationFactory, TopoOptServesSmallBatchesAndFewNics) {
  // Gradients outweigh everything when a batch is small, but rings must leave NICs for the rest.
  const Model mixtral = find_model("mixtral-8x7b");
  PlanRequest small;
  small.micro_batch_size = 1;
  small.global_batch_size = 64;
  const ParallelPlan plan = make_plan(mixtral, small);
  expect_all_phases(*CommunicationFactory(FabricKind::kTopoOpt, mixtral, plan, {}).make_fluid(),
                    mixtral, plan);
  // Regions of eight servers with two NICs left for each.
  const Model deepseek = find_model("deepseek-v3");
  NetworkOptions four;
  four.nics_per_server = 4;
  const ParallelPlan wide = default_plan(deepseek);
  expect_all_phases(*CommunicationFactory(FabricKind::kTopoOpt, deepseek, wide, four).make_fluid(),
                    deepseek, wide);
}

TEST(CommunicationFactory, TopoOptServesStagesWithoutExperts) {
  // DeepSeek-V3's first three layers are dense, each a stage of two servers here.
  const Model model = find_model("deepseek-v3");
  const ParallelPlan plan = make_plan(model, request_of(976, 1, 61, 16));
  const ExpectedTraffic traffic = expected_traffic(model, plan);
  DirectConnect graph = DirectConnect::find(plan.servers(), 8, traffic);
  const GradientGroups first = gradient_groups(model, plan, 0);
  EXPECT_EQ(first.expert_parameters_per_server, 0);
  ASSERT_EQ(first.dense.front(), (std::vector<int>{0, 1}));
  EXPECT_EQ(graph.route(0, 1).size(), 1u);
}

}  // namespace
}  // namespace mixnet
