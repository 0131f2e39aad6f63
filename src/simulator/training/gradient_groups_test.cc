#include "training/gradient_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "memory/stage_parameters.h"
#include "moe/model_catalog.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

TEST(GradientGroups, DealEveryServerOnce) {
  const Model model = find_model("mixtral-8x22b");
  for (const ParallelPlan& plan : plans_of_every_kind(model)) {
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

}  // namespace
}  // namespace mixnet
