#include "memory/memory_use.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "memory/rank_parameters.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

ParallelPlan plan_of(const std::string& model, std::int64_t gpus, int tp, int pp, int ep) {
  PlanRequest request;
  request.gpus = gpus;
  request.tp = tp;
  request.pp = pp;
  request.ep = ep;
  request.micro_batch_size = 1;
  return make_plan(find_model(model), request);
}

/// Numbers of `count` that a copy of `copies` holds when each next one goes to the next copy.
std::int64_t dealt(std::int64_t count, std::int64_t copies) {
  std::int64_t most = 0;
  for (std::int64_t copy = 0; copy < copies; ++copy) {
    most = std::max(most, count / copies + (copy < count % copies ? 1 : 0));
  }
  return most;
}

TEST(MemoryUse, StatesOfEveryStageToTheByte) {
  const Model model = find_model("mixtral-8x22b");
  const ParallelPlan plan = plan_of("mixtral-8x22b", 256, 2, 4, 8);  // dp 32, experts four times
  for (int stage = 0; stage < plan.pp; ++stage) {
    const RankParameters own = stage_on_rank(model, plan, stage);
    const std::int64_t all = own.dense + own.expert;
    const std::int64_t share = dealt(own.dense, 32) + dealt(own.expert, 4);
    const auto states = [&](int zero) {
      MemoryOptions options;
      options.zero = zero;
      options.gradient_bytes = 4;
      const MemoryUse use = memory_of_stage(model, plan, options, stage);
      return std::vector{use.parameters, use.gradients, use.optimizer};
    };
    EXPECT_EQ(states(0), (std::vector{2 * all, 4 * all, 12 * all}));
    EXPECT_EQ(states(1), (std::vector{2 * all, 4 * all, 12 * share}));
    EXPECT_EQ(states(2), (std::vector{2 * all, 4 * share, 12 * share}));
    EXPECT_EQ(states(3), (std::vector{2 * share, 4 * share, 12 * share}));
  }
}

TEST(MemoryUse, OfOneGpuSixteenBytesAParameter) {
  // Mixed precision without shares (Rajbhandari et al., section 3.1): 2 + 2 + 12 bytes.
  const Model model = find_model("olmoe-1b-7b");
  ParallelPlan plan;
  EXPECT_EQ(memory_of_stage(model, plan, {}, 0).states(), 16 * total_parameters(model));
}

TEST(MemoryUse, MomentsInBf16AndWeightsInFp8) {
  const Model model = find_model("deepseek-v3");
  const ParallelPlan plan = plan_of("deepseek-v3", 256, 1, 16, 8);
  MemoryOptions options;
  const MemoryUse bf16 = memory_of_stage(model, plan, options, 1);
  options.moment_bytes = 2;
  EXPECT_EQ(memory_of_stage(model, plan, options, 1).optimizer * 12, bf16.optimizer * 8);
  options.fp8 = true;
  const RankParameters own = stage_on_rank(model, plan, 1);
  EXPECT_EQ(memory_of_stage(model, plan, options, 1).parameters, 2 * own.sum() + 2 * own.in_fp8);
  EXPECT_LT(own.in_fp8, own.sum()) << "routers and norms stay";
  EXPECT_GT(own.in_fp8, own.sum() * 99 / 100);
}

TEST(MemoryUse, SharingOutGradientsAndParametersKeepsALayerWhole) {
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = plan_of("mixtral-8x7b", 64, 1, 1, 8);
  MemoryOptions options;
  const std::int64_t layer = layer_on_rank(model, plan, true).sum();
  const auto buffers = [&](int zero) {
    options.zero = zero;
    return memory_of_stage(model, plan, options, 0).buffers;
  };
  EXPECT_EQ(buffers(1), buffers(0));
  EXPECT_EQ(buffers(2), buffers(1) + 2 * layer);
  EXPECT_EQ(buffers(3), buffers(1) + 2 * layer + 2 * 2 * layer);
}

TEST(MemoryUse, TheWorstRankIsOnTheStageThatHasMost) {
  const Model model = find_model("mixtral-8x22b");
  const ParallelPlan plan = plan_of("mixtral-8x22b", 256, 2, 4, 8);
  const WorstRank worst = worst_rank(model, plan, {});
  std::int64_t most = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    most = std::max(most, memory_of_stage(model, plan, {}, stage).total());
  }
  EXPECT_EQ(worst.use.total(), most);
  EXPECT_EQ(worst.stage, 0) << "most micro-batches in flight";
}

TEST(MemoryUse, NoSizeOverflows) {
  ParallelPlan plan;
  plan.micro_batch_size = std::int64_t{1} << 16;
  plan.seq_length = std::int64_t{1} << 24;
  plan.global_batch_size = plan.micro_batch_size;
  const WorstRank worst = worst_rank(find_model("deepseek-v3"), plan, {});
  EXPECT_GT(worst.use.total(), std::int64_t{1} << 59);
}

TEST(MemoryUse, UsableIsWhatTheRuntimeLeaves) {
  EXPECT_EQ(usable_memory(find_gpu("h100")), 77'000'000'000);
  Gpu tiny;
  tiny.memory = Bytes{1'000'000'000};
  EXPECT_EQ(usable_memory(tiny), 0);
}

}  // namespace
}  // namespace mixnet
