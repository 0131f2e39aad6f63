#include "moe/gpu_sends.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(GpuSends, GoFromPlaceToPlaceOfTwoStages) {
  // Two stages of 4 GPUs in each server of 8.
  const ParallelPlan plan{.tp = 2, .pp = 4, .dp = 2};
  const std::vector<GpuSend> inside = stage_sends(plan, 0, 1, Bytes{100});
  const std::vector<GpuSend> across = stage_sends(plan, 1, 2, Bytes{100});
  ASSERT_EQ(inside.size(), 4U);
  ASSERT_EQ(across.size(), 4U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(inside[i].from_server, 0);
    EXPECT_EQ(inside[i].to_server, 0);
    EXPECT_EQ(inside[i].to_gpu, inside[i].from_gpu + 4);
    EXPECT_EQ(across[i].from_server, 0);
    EXPECT_EQ(across[i].to_server, 1);
    EXPECT_EQ(across[i].from_gpu, 4 + i);
    EXPECT_EQ(across[i].to_gpu, i);
    EXPECT_EQ(across[i].bytes.count, 100);
  }
}

}  // namespace
}  // namespace mixnet
