#include "training/cluster_health.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

/// pp 2 x dp 32 x tp 2: regions of 4 servers, 2 replicas of 2 stages; 16 servers.
ParallelPlan plan_of(int tp = 2, int ep = 16) {
  ParallelPlan plan;
  plan.tp = tp;
  plan.ep = ep;
  plan.dp = 2 * ep;
  plan.pp = 2;
  return plan;
}

ClusterHealth after(std::vector<std::string> texts, const ParallelPlan& plan = plan_of()) {
  std::vector<Failure> failures;
  for (const std::string& text : texts) failures.push_back(parse_failure(text, "--fail"));
  return {failures, plan, 8, Backup::kPool};
}

TEST(ClusterHealth, NothingFailedNothingChanges) {
  const ClusterHealth health;
  EXPECT_TRUE(health.nic_works(3, 1));
  EXPECT_TRUE(health.ocs_works(0));
  EXPECT_EQ(health.spares(), 0);
}

TEST(ClusterHealth, NicsAndSwitchesAreGone) {
  const ClusterHealth health = after({"nic:3.1", "ocs:2"});
  EXPECT_FALSE(health.nic_works(3, 1));
  EXPECT_TRUE(health.nic_works(3, 2));
  // Region 2 is the first replica of stage 1: servers 8 to 11.
  EXPECT_FALSE(health.ocs_works(8));
  EXPECT_TRUE(health.ocs_works(0));
  EXPECT_EQ(health.spares(), 0);
}

TEST(ClusterHealth, ASpareTakesTheServersPlaceWithAllItsNics) {
  const ClusterHealth health = after({"server:5", "nic:5.0", "server:5"});
  EXPECT_EQ(health.spares(), 1);
  EXPECT_EQ(health.replaced().at(5), 16);
  EXPECT_TRUE(health.nic_works(5, 0)) << "that was a NIC of the server that is gone";
}

TEST(ClusterHealth, AGpuTakesItsTensorParallelGroupAlong) {
  // Ranks 8 and 9 are EP rank 4 of region 0, on server 1; 33 is EP rank 0 of region 1.
  const ClusterHealth health = after({"gpu:9", "gpu:8", "gpu:33"});
  EXPECT_TRUE(health.replaced().empty());
  ASSERT_EQ(health.moved().size(), 2U);
  EXPECT_EQ(health.moved().at(0).ranks, std::vector<int>{4});
  EXPECT_EQ(health.moved().at(4).ranks, std::vector<int>{0});
  EXPECT_NE(health.moved().at(0).spare, health.moved().at(4).spare);
  EXPECT_EQ(health.spares(), 2);
}

TEST(ClusterHealth, WhereAGroupCannotBeSplitTheServerMoves) {
  EXPECT_EQ(after({"gpu:17"}, plan_of(8, 4)).replaced().at(2), 16 * 8 * 4 / (2 * 16) / 1);
  ParallelPlan inside = plan_of(1, 8);  // an EP group fills a server
  EXPECT_TRUE(after({"gpu:3"}, inside).replaced().contains(0));
}

TEST(ClusterHealth, PartsThatThePlanDoesNotHaveAreRefused) {
  for (const std::string text : {"nic:16.0", "nic:0.8", "ocs:4", "gpu:128", "server:16"}) {
    EXPECT_THROW(after({text}), Error) << text;
  }
  // Five ranks of two GPUs do not fit one spare.
  EXPECT_THROW(after({"gpu:0", "gpu:2", "gpu:4", "gpu:6", "gpu:8"}), Error);
}

}  // namespace
}  // namespace mixnet
