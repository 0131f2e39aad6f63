#include "moe/demand_cache.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mixnet
