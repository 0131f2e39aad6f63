#include "moe/rank_place.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

// Two servers a stage; attention lies on tp 2 x cp 2 x dp 4, experts on etp 1 x ep 8 x 2.
ParallelPlan folded() {
  ParallelPlan plan;
  plan.tp = plan.cp = 2;
  plan.dp = 4;
  plan.pp = 2;
  plan.ep = 8;
  plan.etp = 1;
  return plan;
}

TEST(RankPlace, OfAFoldedPlan) {
  const RankPlace place = rank_place(folded(), 16 + 13);  // 13 = 1 + 2 (0 + 2 x 3) = 5 + 8 x 1
  EXPECT_EQ(place.server, 3);
  EXPECT_EQ(place.gpu, 5);
  EXPECT_EQ(place.stage, 1);
  EXPECT_EQ(place.tp, 1);
  EXPECT_EQ(place.cp, 0);
  EXPECT_EQ(place.dp, 3);
  EXPECT_EQ(place.etp, 0);
  EXPECT_EQ(place.ep, 5);
  EXPECT_EQ(place.replica, 1);
  EXPECT_EQ(place.region, 3);
}

TEST(RankPlace, BothMeshesNameEveryRankOnce) {
  const ParallelPlan plan = folded();
  EXPECT_EQ(plan.world(), 32);
  EXPECT_EQ(plan.replicas(), 2);
  for (std::int64_t rank = 0; rank < plan.world(); ++rank) {
    const RankPlace p = rank_place(plan, rank);
    EXPECT_EQ(p.tp + plan.tp * (p.cp + plan.cp * (p.dp + plan.dp * p.stage)), rank);
    EXPECT_EQ(p.etp + plan.expert_tp() * (p.ep + plan.ep * static_cast<int>(p.region)), rank);
    EXPECT_EQ(p.server, rank / plan.gpus_per_server);
    EXPECT_EQ(p.server, plan.first_server(p.stage, p.replica)) << "a region is one server here";
  }
}

TEST(RankPlace, WithoutFoldsEpIsInsideDp) {
  ParallelPlan plan;
  plan.tp = 4;
  plan.ep = 8;
  plan.dp = 16;
  for (std::int64_t rank = 0; rank < plan.world(); ++rank) {
    const RankPlace p = rank_place(plan, rank);
    EXPECT_EQ(p.etp, p.tp);
    EXPECT_EQ(p.ep, p.dp % plan.ep);
    EXPECT_EQ(p.replica, p.dp / plan.ep);
  }
}

}  // namespace
}  // namespace mixnet
