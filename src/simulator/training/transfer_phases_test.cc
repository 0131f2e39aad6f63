// What goes between pipeline stages, against a count that looks at every rank.
#include "training/transfer_phases.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "moe/model_catalog.h"
#include "moe/rank_place.h"
#include "training/communication_factory.h"
#include "training/job_phases.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

struct Counted {
  bool is_inside = false;
  std::int64_t sent = 0, received = 0;  ///< by the busiest NIC, one a GPU
};

/// Of activations from each rank of `stage` to the one of its place in the next.
Counted count_of(const ParallelPlan& plan, int stage, int next, std::int64_t bytes) {
  std::map<std::pair<std::int64_t, int>, std::int64_t> out, in;
  Counted counted{.is_inside = true};
  for (std::int64_t rank = 0; rank < plan.world(); ++rank) {
    for (std::int64_t other = 0; other < plan.world(); ++other) {
      const RankPlace a = rank_place(plan, rank);
      const RankPlace b = rank_place(plan, other);
      const bool sends =
          a.stage == stage && b.stage == next && a.tp == b.tp && a.cp == b.cp && a.dp == b.dp;
      if (!sends || a.server == b.server) continue;
      counted.is_inside = false;
      counted.sent = std::max(counted.sent, out[{a.server, a.gpu}] += bytes);
      counted.received = std::max(counted.received, in[{b.server, b.gpu}] += bytes);
    }
  }
  return counted;
}

void expect_sends_of_ranks(const ParallelPlan& plan, const Model& model) {
  SCOPED_TRACE(to_string(plan) + " on " + servers_text(plan));
  IterationOptions options;
  options.network.nics_per_server = plan.gpus_per_server;
  options.network.optical_degree = plan.gpus_per_server / 2;
  const FabricKind fabrics[] = {FabricKind::kFatTree, FabricKind::kRailOptimized};
  const JobPhases phases =
      measure_phases(model, plan, routing_of("uniform", model, plan), fabrics, options);
  const std::int64_t bytes = plan.tokens_per_micro_batch() * model.hidden * 2 / plan.tp / plan.cp;
  for (const FabricPhases& fabric : phases.fabrics) {
    ASSERT_EQ(fabric.sends.size(), static_cast<std::size_t>(plan.vpp > 1 ? plan.pp : plan.pp - 1));
    for (std::size_t stage = 0; stage < fabric.sends.size(); ++stage) {
      const auto next = static_cast<int>((stage + 1) % plan.pp);
      const Counted counted = count_of(plan, static_cast<int>(stage), next, bytes);
      EXPECT_EQ(fabric.sends_inside[stage].count, counted.is_inside ? bytes : 0);
      EXPECT_NEAR(fabric.sends[stage].transfer.to_seconds(),
                  static_cast<double>(std::max(counted.sent, counted.received)) /
                      kReferenceRate.bytes_per_second(),
                  1e-9);
    }
  }
}

TEST(Transfers, StagesSendFromRankToRank) {
  const Model model = find_model("mixtral-8x22b");
  for (const auto& [gpus, server, tp, pp, vpp, ep] :
       {std::array{16, 8, 4, 4, 1, 1}, std::array{32, 8, 1, 8, 1, 4}, std::array{32, 8, 2, 8, 7, 2},
        std::array{16, 8, 1, 8, 7, 2}, std::array{64, 64, 4, 8, 7, 2},
        std::array{64, 8, 2, 4, 7, 8}, std::array{128, 64, 1, 8, 1, 8},
        std::array{144, 72, 1, 2, 1, 8}}) {
    PlanRequest request = request_of(gpus, tp, pp, ep);
    request.gpus_per_server = server;
    request.vpp = vpp;
    request.micro_batch_size = 1;
    request.global_batch_size = gpus / tp / pp * pp;
    expect_sends_of_ranks(make_plan(model, request), model);
  }
}

TEST(Transfers, AStageInsideAServerHasNeitherCircuitsNorRings) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request = request_of(32, 1, 8, 4);
  request.micro_batch_size = 1;
  request.global_batch_size = 32;
  const ParallelPlan plan = make_plan(model, request);
  EXPECT_EQ(plan.servers(), 4);
  EXPECT_EQ(plan.servers_per_stage(), 1);
  EXPECT_TRUE(plan.stages_share_servers());
  const FabricKind fabrics[] = {FabricKind::kMixNet, FabricKind::kTopoOpt};
  IterationOptions options;
  options.network.optical_degree = 6;
  const JobPhases phases =
      measure_phases(model, plan, routing_of("dynamic", model, plan), fabrics, options);
  for (const FabricPhases& fabric : phases.fabrics) {
    for (const ExchangeTimes& exchange : fabric.exchanges) {
      EXPECT_FALSE(exchange.switched);
      EXPECT_EQ(exchange.dispatch.transfer, Time::zero());
    }
    for (const GradientTimes& gradient : fabric.gradients) {
      EXPECT_EQ(gradient.dense.transfer + gradient.expert.transfer, Time::zero());
      // Reduce-scatter and all-gather among the four GPUs that hold the same dense part; every
      // expert is there once.
      EXPECT_GT(gradient.scale_up.count, 0);
    }
  }
}

}  // namespace
}  // namespace mixnet
