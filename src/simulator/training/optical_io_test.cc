#include "training/optical_io.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "moe/routing.h"

namespace mixnet {
namespace {

constexpr int kHidden = 1024;

ParallelPlan plan_of(int servers, int gpus, int tp) {
  ParallelPlan plan;
  plan.gpus_per_server = gpus;
  plan.tp = tp;
  plan.ep = plan.dp = servers * gpus / tp;
  return plan;
}

RegionDemand random_demand(const ParallelPlan& plan, std::uint64_t seed) {
  Random random(seed);
  TokenCounts counts(plan.ep, plan.ep);
  for (auto& cell : counts.cells()) {
    cell = static_cast<std::int32_t>(random.below(random.below(4) == 0 ? 100'000 : 5'000));
  }
  return DemandMaker(plan, kHidden).make(counts);
}

CircuitCounts circuits_of_all_pairs(int servers, int count) {
  CircuitCounts circuits(servers, servers);
  for (int s = 0; s < servers; ++s) {
    for (int t = 0; t < servers; ++t) circuits(s, t) = s == t ? 0 : count;
  }
  return circuits;
}

TEST(OpticalIoScaleUp, BalancedDomainsForwardOnlyWhatArrives) {
  // Two domains of G GPUs, every expert as busy as any other, D bytes a GPU. Of these (G - 1) / 2G
  // stay in the domain; D / 2 leave by the GPU's own lanes, and of as much that arrives by them all
  // but one in G belongs to others.
  for (const int gpus : {2, 8, 64}) {
    const ParallelPlan plan = plan_of(2, gpus, 1);
    TokenCounts counts(plan.ep, plan.ep);
    std::ranges::fill(counts.cells(), 1000);
    const double all = 1000.0 * plan.ep * kHidden * 2;
    const RegionDemand demand = DemandMaker(plan, kHidden).make(counts);
    const auto bytes =
        static_cast<double>(optical_io_scale_up_bytes(demand, circuits_of_all_pairs(2, 4 * gpus)));
    EXPECT_NEAR(bytes, all * (gpus - 1) / gpus, 1);
  }
}

TEST(OpticalIoScaleUp, OneCircuitAPairIsMixNetsDelegation) {
  for (const int tp : {1, 4}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const RegionDemand demand = random_demand(plan_of(3, 8, tp), seed);
      // Demands round each rank pair and GPU down.
      EXPECT_NEAR(
          static_cast<double>(optical_io_scale_up_bytes(demand, circuits_of_all_pairs(3, 1))),
          static_cast<double>(demand.scale_up_delegated), 100);
    }
  }
}

TEST(OpticalIoScaleUp, MoreCircuitsNeverGatherMore) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RegionDemand demand = random_demand(plan_of(4, 8, 1), seed);
    std::int64_t before = demand.scale_up_delegated + 100;
    for (const int circuits : {1, 2, 5, 8, 24}) {
      const std::int64_t bytes =
          optical_io_scale_up_bytes(demand, circuits_of_all_pairs(4, circuits));
      EXPECT_LE(bytes, before) << circuits;
      EXPECT_GE(bytes, demand.scale_up_inside);
      before = bytes;
    }
    // From a circuit for every GPU on, more change nothing. No circuit at all: by Ethernet, where
    // every GPU is a delegate too.
    EXPECT_EQ(before, optical_io_scale_up_bytes(demand, circuits_of_all_pairs(4, 8)));
    EXPECT_EQ(before, optical_io_scale_up_bytes(demand, circuits_of_all_pairs(4, 0)));
  }
}

TEST(OpticalIoScaleUp, AnUnevenSourceIsGatheredFrom) {
  // Only GPU 0 of domain 0 sends, 800 token copies to an expert on GPU 2 (domain 1 of two GPUs).
  const ParallelPlan plan = plan_of(2, 2, 1);
  TokenCounts counts(4, 4);
  counts(0, 2) = 800;
  const RegionDemand demand = DemandMaker(plan, kHidden).make(counts);
  // Half of it goes over to GPU 1, whose lanes carry as much; on arrival GPU 2 gets GPU 3's half.
  EXPECT_EQ(optical_io_scale_up_bytes(demand, circuits_of_all_pairs(2, 2)), 400 * kHidden * 2);
}

TEST(OpticalIoScaleUp, ARankOnASpareIsWhereItRuns) {
  // Two domains of two GPUs, and rank 1 on a spare: three servers, of which rank 1 sends 800 token
  // copies to rank 0 and as many to rank 2.
  const ParallelPlan plan = plan_of(2, 2, 1);
  TokenCounts counts(4, 4);
  counts(1, 0) = counts(1, 2) = 800;
  const int moved[] = {1};
  const RegionDemand demand = DemandMaker(plan, kHidden, moved).make(counts);
  ASSERT_EQ(demand.servers, 3);
  // All of it leaves the spare by circuits, half of it by those of the other GPU: 1,600 / 2.
  EXPECT_EQ(optical_io_scale_up_bytes(demand, circuits_of_all_pairs(3, 2)), 800 * kHidden * 2);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const ParallelPlan eights = plan_of(3, 8, 2);
    Random random(seed);
    TokenCounts all(eights.ep, eights.ep);
    for (auto& cell : all.cells()) cell = static_cast<std::int32_t>(random.below(10'000));
    const int two[] = {3, 5};
    const RegionDemand with_spare = DemandMaker(eights, kHidden, two).make(all);
    EXPECT_NEAR(
        static_cast<double>(optical_io_scale_up_bytes(with_spare, circuits_of_all_pairs(4, 1))),
        static_cast<double>(with_spare.scale_up_delegated), 200)
        << "one circuit a pair is MixNet's delegation";
  }
}

}  // namespace
}  // namespace mixnet
