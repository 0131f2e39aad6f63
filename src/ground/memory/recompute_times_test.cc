#include "memory/recompute_times.h"

#include <gtest/gtest.h>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr double kRate = 3.35e12 * 0.8;

/// Of an H100, one micro-batch of 8 x 4096 tokens.
struct Case {
  Model model;
  ParallelPlan plan;
  MemoryOptions options;
  ComputeRates rates = compute_rates(find_gpu("h100"), Precision::kBf16);

  Case(const std::string& name, Recompute recompute) : model(find_model(name)) {
    plan.micro_batch_size = 8;
    options.recompute = recompute;
  }
  RecomputeTimes times() const { return {model, plan, options, rates}; }
};

TEST(RecomputeTimes, NormsAndProductsPassTheMemory) {
  Case one("mixtral-8x7b", Recompute::kSelective);
  EXPECT_NEAR(one.times().attention().to_seconds(), 2.0 * 2 * 2 * 4096 * 32768 / kRate, 1e-9);
  EXPECT_NEAR(one.times().experts(1000).to_seconds(), 3.0 * 2 * 1000 * 14336 / kRate, 1e-9);
  EXPECT_EQ(one.times().shared_experts(), Time::zero()) << "it has none";
  one.plan.tp = 4;
  EXPECT_NEAR(one.times().attention().to_seconds(), 2.0 * 2 * 2 * 4096 * 32768 / 4 / kRate, 1e-9);
  one.options.sequence_parallel = false;
  EXPECT_NEAR(one.times().attention().to_seconds(), 2.0 * 2 * 2 * 4096 * 32768 / kRate, 1e-9);
}

TEST(RecomputeTimes, LatentsAreProjectedAgain) {
  const Case one("deepseek-v3", Recompute::kSelective);
  const Time projections = gemm_time({32768, 1536, 128.0 * 192}, one.rates).forward +
                           gemm_time({32768, 512, 128.0 * 256}, one.rates).forward;
  EXPECT_NEAR(one.times().attention().to_seconds(),
              projections.to_seconds() + 2.0 * 2 * 2 * 7168 * 32768 / kRate, 1e-9);
  EXPECT_NEAR(one.times().dense_ffn().to_seconds(), 3.0 * 2 * 32768 * 18432 / kRate, 1e-9);
  EXPECT_NEAR(one.times().shared_experts().to_seconds(), 3.0 * 2 * 32768 * 2048 / kRate, 1e-9);
}

TEST(RecomputeTimes, NothingUnlessSelective) {
  for (const Recompute recompute : {Recompute::kNone, Recompute::kFull}) {
    const Case one("deepseek-v3", recompute);
    const Time all = one.times().attention() + one.times().dense_ffn() +
                     one.times().shared_experts() + one.times().experts(1000);
    EXPECT_EQ(all, Time::zero());
  }
}

}  // namespace
}  // namespace mixnet
