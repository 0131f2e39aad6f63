#include "memory/fitting_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr std::int64_t kUsable = 77'000'000'000;

MemoryWish wish_of(const Model& model, std::int64_t gpus, int tp, int pp, int ep, int micro_batch) {
  PlanRequest request;
  request.gpus = gpus;
  request.tp = tp;
  request.pp = pp;
  request.ep = ep;
  request.micro_batch_size = micro_batch;
  MemoryWish wish;
  wish.plan = make_plan(model, request);
  wish.gpus = gpus;
  return wish;
}

TEST(FittingPlan, TheLeastRecomputeThatFits) {
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = wish_of(model, 1024, 4, 4, 8, 8).plan;
  EXPECT_EQ(least_recompute(model, plan, {}, 500'000'000'000), Recompute::kNone);
  EXPECT_EQ(least_recompute(model, plan, {}, kUsable), Recompute::kSelective);
  EXPECT_EQ(least_recompute(model, plan, {}, 20'000'000'000), Recompute::kFull);
  EXPECT_EQ(least_recompute(model, plan, {}, 5'000'000'000), std::nullopt);
}

TEST(FittingPlan, MoreRecomputeWhereThatIsEnough) {
  const Model model = find_model("mixtral-8x7b");
  MemoryWish wish = wish_of(model, 1024, 4, 4, 8, 8);
  wish.recompute_given = true;
  const auto found = fitting_plan(model, wish, kUsable, false);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->flags, "--recompute selective");
}

TEST(FittingPlan, WhatItOffersFits) {
  // 8 GPUs: no plan; 16: the nearest one.
  const Model model = find_model("mixtral-8x7b");
  MemoryWish wish = wish_of(model, 8, 1, 1, 8, 1);
  EXPECT_GT(worst_rank(model, wish.plan, wish.options).use.total(), kUsable);
  EXPECT_FALSE(fitting_plan(model, wish, kUsable, false));
  const auto found = fitting_plan(model, wish, kUsable, true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->gpus, 16);
  EXPECT_TRUE(found->flags.starts_with("--gpus 16")) << found->flags;
}

TEST(FittingPlan, StatesThatAllShareAreTheLeast) {
  const Model model = find_model("deepseek-v3");
  EXPECT_EQ(least_states(model, {}, 64) / 1'000'000'000, 671 * 16 / 64);
  for (const int ep : {8, 64}) {
    MemoryWish wish = wish_of(model, 1024, 1, 2, ep, 1);
    wish.options.zero = 3;
    std::int64_t most = 0;
    for (int stage = 0; stage < 2; ++stage) {
      most = std::max(most, memory_of_stage(model, wish.plan, wish.options, stage).states());
    }
    EXPECT_GE(most, least_states(model, wish.options, 1024));
  }
}

}  // namespace
}  // namespace mixnet
