#include "training/demand_cache.h"

#include <gtest/gtest.h>

#include <array>

#include "moe/model_catalog.h"
#include "training/test_plans.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

TEST(DemandCache, KeepsWhatServersSendEachOther) {
  DemandCache cache;
  EXPECT_EQ(cache.find({.layer = 3}), nullptr);
  RegionDemand demand;
  demand.servers = 2;
  demand.server_bytes = Matrix<std::int64_t>(2, 2);
  demand.server_bytes(0, 1) = 7;
  demand.busiest_rank_tokens = 5;
  demand.scale_up_delegated = 9;
  cache.keep({.layer = 3}, demand);
  demand.busiest_rank_tokens = 6;
  cache.keep({.layer = 3}, demand);  // the first stays
  const RegionDemand* kept = cache.find({.layer = 3});
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->server_bytes(0, 1), 7);
  EXPECT_EQ(kept->busiest_rank_tokens, 5);
  EXPECT_EQ(kept->scale_up_delegated, 9);
  for (const RoutingPlace& other :
       {RoutingPlace{.layer = 4}, RoutingPlace{.iteration = 1, .layer = 3},
        RoutingPlace{.layer = 3, .micro_batch = 1}, RoutingPlace{.layer = 3, .replica = 1}}) {
    EXPECT_EQ(cache.find(other), nullptr);
  }
}

TEST(DemandCache, JobsThatShareOneAreAsJobsAlone) {
  const Model model = find_model("olmoe-1b-7b");
  const ParallelPlan plan = default_plan(model, 128);
  const RoutingSource routing = routing_of("dynamic", model, plan);
  const auto fabrics = std::array{FabricKind::kMixNet};
  DemandCache cache;
  for (const int gbps : {100, 400}) {
    IterationOptions options;
    best_settings(options);
    options.fidelity.nic_rate = Bandwidth::gbps(gbps);
    const auto total = [&](DemandCache* demands) {
      return TrainingJob(model, plan, find_gpu("h100"), routing, fabrics, options, demands)
          .simulate(FabricKind::kMixNet, Bandwidth::gbps(gbps))
          .total;
    };
    EXPECT_EQ(total(&cache), total(nullptr));
    EXPECT_NE(cache.find({}), nullptr);
  }
}

}  // namespace
}  // namespace mixnet
