#include "training/compute.h"

#include <gtest/gtest.h>

#include "moe/model_catalog.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

/// Mixtral 8x7B, tp 4, pp 4, ep 8, micro-batch 8 x 4096 = 32,768 tokens, on an H100: 989.4 TFLOP/s
/// x 0.55 and 3.35 TB/s x 0.8.
ComputeModel mixtral(const ComputeOptions& options = {}) {
  const Model model = find_model("mixtral-8x7b");
  return {model, default_plan(model), find_gpu("h100"), options};
}

constexpr double kFlops = 989.4e12 * 0.55;
constexpr double kBytes = 3350e9 * 0.8;
constexpr double kTokens = 8 * 4096;
constexpr double kTp = 4;

void expect_time(Time time, double seconds) {
  EXPECT_NEAR(time.to_seconds(), seconds, 1e-12 + 1e-9 * seconds);
}

TEST(Compute, AttentionByHand) {
  const OperationTime time = mixtral().time(Operation::kAttention);
  // Queries and output 4096 x 4096, keys and values 4096 x 1024 (8 of 32 heads), two norms.
  const double parameters = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 2 * 4096;
  const double linear = 2 * kTokens * parameters;
  // Scores and weighted sum: 2 x 2 x s x 128 a head and token, half of it causal.
  const double quadratic = kTokens * 2 * 2 * 4096 * 128 * 32 / 2;
  expect_time(time.forward, (linear + quadratic) / kTp / kFlops);
  expect_time(time.backward, (2 * linear + 2.5 * quadratic) / kTp / kFlops);
  EXPECT_NEAR(time.forward.to_seconds(), 1.768e-3, 1e-6);
}

TEST(Compute, OtherOperationsByHand) {
  const ComputeModel compute = mixtral();
  // 65,536 token copies a rank through three 4096 x 14336 matrices.
  const double experts = 2 * (3.0 * 4096 * 14336) * (2 * kTokens) / kTp / kFlops;
  expect_time(compute.time(Operation::kExperts).forward, experts);
  expect_time(compute.time(Operation::kExperts).backward, 2 * experts);
  EXPECT_NEAR(experts, 10.61e-3, 1e-5);
  // The gate is too thin for its FLOPs to matter.
  const double gate = 2 * (4096.0 * 8 + 2 * kTokens * 4096) / kTp / kBytes;
  expect_time(compute.time(Operation::kGate).forward, gate);
  expect_time(compute.time(Operation::kGate).backward, 2 * gate);
  expect_time(compute.time(Operation::kHead).forward, 2 * kTokens * 4096 * 32000 / kTp / kFlops);
  // Mixtral has none of these.
  EXPECT_EQ(compute.time(Operation::kSharedExperts).forward, Time::zero());
  EXPECT_EQ(compute.time(Operation::kDenseFfn).backward, Time::zero());
  // The last stage: 8 layers, one of the 8 experts of each, head and final norm.
  const double layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 2 * 4096 + 4096 * 8 + 3.0 * 4096 * 14336;
  const double parameters = 8 * layer + 4096.0 * 32000 + 4096;
  expect_time(compute.time(Operation::kOptimizer).forward, 28 * parameters / kTp / kBytes);
  EXPECT_EQ(compute.time(Operation::kOptimizer).backward, Time::zero());
}

TEST(Compute, LatentAttentionHasKeysWiderThanValues) {
  const Model model = find_model("deepseek-v3");
  const ParallelPlan plan = default_plan(model);
  ASSERT_EQ(plan.tp, 1);
  const ComputeModel compute(model, plan, find_gpu("h100"), {});
  const double tokens = static_cast<double>(plan.tokens_per_micro_batch());
  const double linear = 2 * tokens * static_cast<double>(attention_parameters(model));
  const double quadratic = tokens * static_cast<double>(plan.seq_length) * 128 * (192 + 128);
  expect_time(compute.time(Operation::kAttention).forward, (linear + quadratic) / kFlops);
  // One shared expert of 2048, dense layers of 18432.
  expect_time(compute.time(Operation::kSharedExperts).forward,
              2 * tokens * 3 * 7168 * 2048 / kFlops);
  expect_time(compute.time(Operation::kDenseFfn).forward, 2 * tokens * 3 * 7168 * 18432 / kFlops);
}

TEST(Compute, ExpertsLastAsLongAsTheBusiestRanks) {
  const ComputeModel compute = mixtral();
  const double balanced = compute.time(Operation::kExperts).forward.to_seconds();
  expect_time(compute.experts(65'536).forward, balanced);
  expect_time(compute.experts(196'608).forward, 3 * balanced);
  expect_time(compute.experts(196'608).backward, 6 * balanced);
  // Few tokens still read all weights of the rank's expert.
  EXPECT_GE(compute.experts(1).forward.to_seconds(), 2 * 3.0 * 4096 * 14336 / kTp / kBytes);
  for (std::int64_t tokens = 0; tokens < 200'000; tokens += 1999) {
    EXPECT_LE(compute.experts(tokens).forward, compute.experts(tokens + 1999).forward);
  }
}

TEST(Compute, HalvesWithTwiceTheTensorParallelism) {
  const Model model = find_model("mixtral-8x7b");
  ParallelPlan plan = default_plan(model);
  const ComputeModel four(model, plan, find_gpu("h100"), {});
  plan.tp = 8;
  const ComputeModel eight(model, plan, find_gpu("h100"), {});
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    expect_time(four.time(operation).forward, 2 * eight.time(operation).forward.to_seconds());
    expect_time(four.time(operation).backward, 2 * eight.time(operation).backward.to_seconds());
  }
}

TEST(Compute, ExpertsHaveATensorParallelismOfTheirOwn) {
  const Model model = find_model("mixtral-8x7b");
  ParallelPlan plan = default_plan(model);
  const ComputeModel same(model, plan, find_gpu("h100"), {});
  plan.etp = 1;  // a rank is one GPU, which has a fourth of a micro-batch and whole experts
  const ComputeModel whole(model, plan, find_gpu("h100"), {});
  expect_time(whole.experts(100'000).forward, 4 * same.experts(100'000).forward.to_seconds());
  expect_time(whole.time(Operation::kExperts).forward,
              same.time(Operation::kExperts).forward.to_seconds());
  expect_time(whole.time(Operation::kAttention).forward,
              same.time(Operation::kAttention).forward.to_seconds());
}

TEST(Compute, ContextParallelRanksHaveAShareOfTheTokens) {
  const Model model = find_model("mixtral-8x7b");
  ParallelPlan plan = default_plan(model);
  const ComputeModel whole(model, plan, find_gpu("h100"), {});
  plan.cp = 2;
  const ComputeModel shared(model, plan, find_gpu("h100"), {});
  for (const Operation operation : {Operation::kAttention, Operation::kHead}) {
    expect_time(whole.time(operation).forward, 2 * shared.time(operation).forward.to_seconds());
  }
}

TEST(Compute, EfficienciesScaleWhatTheyBound) {
  ComputeOptions options;
  options.compute_efficiency = 0.275;
  options.memory_efficiency = 0.4;
  const ComputeModel half = mixtral(options);
  const ComputeModel full = mixtral();
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    expect_time(half.time(operation).forward, 2 * full.time(operation).forward.to_seconds());
  }
}

TEST(Compute, AProfileReplacesWhatWasMeasured) {
  ComputeOptions options;
  options.profile = parse_compute_profile(R"({"operations": {
      "attention": {"forward": "4.1ms", "backward": "9ms"},
      "experts": {"forward": "6 ms", "backward": "13ms"},
      "optimizer": {"forward": "18ms"}}})",
                                          "profile.json");
  const ComputeModel compute = mixtral(options);
  EXPECT_EQ(compute.time(Operation::kAttention).forward, Time::microseconds(4100));
  EXPECT_EQ(compute.time(Operation::kAttention).backward, Time::milliseconds(9));
  EXPECT_EQ(compute.time(Operation::kOptimizer).forward, Time::milliseconds(18));
  EXPECT_EQ(compute.time(Operation::kGate).forward, mixtral().time(Operation::kGate).forward);
  // Experts scale from balanced load.
  EXPECT_EQ(compute.experts(65'536).forward, Time::milliseconds(6));
  EXPECT_EQ(compute.experts(131'072).forward, Time::milliseconds(12));
  EXPECT_EQ(compute.experts(65'536 / 4).backward, Time::microseconds(3250));
}

}  // namespace
}  // namespace mixnet
