#include "compute/operation_curves.h"

#include <gmock/gmock.h>

#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

ComputeRates rates(std::string_view gpu = "h200", Precision precision = Precision::kBf16) {
  return compute_rates(find_gpu(gpu), precision);
}

double seconds(Time time) { return time.to_seconds(); }

TEST(GemmTime, IsTheClosedFormAtBothEndsOfTheRoofline) {
  // Compute: 2 m k n FLOPs at a share of the peak that grows with the columns.
  const double flops = 2.0 * 8192 * 4096 * 14336;
  const double speed = 989.4e12 * kGemm * 14336 / (14336 + kHalfColumns);
  const OperationTime large = gemm_time({8192, 4096, 14336}, rates());
  EXPECT_NEAR(seconds(large.forward), flops / speed, 1e-9);
  EXPECT_NEAR(seconds(large.backward), 2 * flops / (speed * 8192 / (8192 + kHalfRowsBackward)),
              1e-9);
  // Memory: one token reads the whole matrix.
  const double bytes = 2.0 * (4096 + 4096.0 * 14336 + 14336);
  const OperationTime one = gemm_time({1, 4096, 14336}, rates());
  EXPECT_NEAR(seconds(one.forward), bytes / (4.8e12 * kMemory), 1e-9);
}

TEST(GemmTime, GrowsWithEverySize) {
  const GemmShape shape = {4096, 2048, 1024};
  const OperationTime base = gemm_time(shape, rates());
  for (double GemmShape::*const size : {&GemmShape::rows, &GemmShape::inner, &GemmShape::columns}) {
    GemmShape larger = shape;
    larger.*size *= 1.25;
    EXPECT_GT(gemm_time(larger, rates()).forward, base.forward);
    EXPECT_GT(gemm_time(larger, rates()).backward, base.backward);
  }
}

TEST(GemmTime, ScalesByThePeakWhereItComputesAndByTheBandwidthWhereItReads) {
  const Gpu h20 = find_gpu("h20");
  const Gpu h200 = find_gpu("h200");
  const GemmShape large = {16384, 4096, 4096};
  EXPECT_NEAR(seconds(gemm_time(large, rates("h20")).forward) /
                  seconds(gemm_time(large, rates("h200")).forward),
              h200.peak_bf16_flops / h20.peak_bf16_flops, 1e-6);
  const GemmShape thin = {1, 4096, 4096};
  EXPECT_NEAR(seconds(gemm_time(thin, rates("h20")).forward) /
                  seconds(gemm_time(thin, rates("h200")).forward),
              h200.memory_bytes_per_second / h20.memory_bytes_per_second, 1e-6);
}

TEST(Precision, Fp8IsFasterWhereGemmsAreLargeAndLosesToItsCastsWhereTheyAreThin) {
  const ComputeRates bf16 = rates();
  const ComputeRates fp8 = rates("h200", Precision::kFp8);
  const GemmShape large = {32768, 7168, 7168};
  const double gain =
      seconds(gemm_time(large, bf16).forward) / seconds(gemm_time(large, fp8).forward);
  EXPECT_GT(gain, 1.5);
  EXPECT_LT(gain, 2 * kFp8Gemm);
  const GemmShape thin = {32768, 7168, 64};
  EXPECT_GT(gemm_time(thin, fp8).forward, gemm_time(thin, bf16).forward);
  EXPECT_EQ(bf16_gemm_time(large, fp8), gemm_time(large, bf16));
}

TEST(Precision, AGpuWithoutFp8RefusesIt) {
  try {
    rates("a100", Precision::kFp8);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--precision: a100 has no fp8; give bf16"));
  }
}

TEST(ExpertsTime, OneCallOfFewTokensTakesItsLaunches) {
  const OperationTime time = experts_time({1, 1, 64, 64}, rates());
  EXPECT_GE(seconds(time.forward), kLaunches);
  EXPECT_LT(seconds(time.forward), 1.01 * kLaunches);
}

TEST(ExpertsTime, ALoopPaysForEachExpertAndForTheSumOfTheirGradients) {
  ExpertsShape shape = {32768, 16, 4096, 1536};
  const OperationTime grouped = experts_time(shape, rates());
  shape.calls = ExpertCalls::kLoop;
  const OperationTime loop = experts_time(shape, rates());
  EXPECT_NEAR(seconds(loop.forward - grouped.forward), 16 * kLoopLaunch, 1e-9);
  const double gradient = 2.0 * 32768 * 4096 * kLoopGradientPasses / (4.8e12 * kMemory);
  EXPECT_NEAR(seconds(loop.backward - grouped.backward), 15 * (kLoopGradient + gradient), 1e-9);
}

TEST(ExpertsTime, MoreExpertsForTheSameTokensAreSlower) {
  const OperationTime few = experts_time({8192, 1, 4096, 1536}, rates());
  const OperationTime many = experts_time({8192, 64, 4096, 1536}, rates());
  EXPECT_GT(many.forward, few.forward);
  EXPECT_GT(many.backward, few.backward);
}

TEST(AttentionTime, HasAFloorAndScoresThatGrowWithTheSquareOfTheSequence) {
  const std::vector<GemmShape> none;
  const auto time = [&](double tokens, double sequence, bool is_latent) {
    return attention_time({tokens, sequence, 4096, 8192, is_latent, none}, rates());
  };
  EXPECT_EQ(time(16, 16, false).forward, Time::from_seconds(kAttentionForward));
  EXPECT_EQ(time(16, 16, false).backward, Time::from_seconds(kAttentionBackward));
  const double passes = 2.0 * 65536 * (4096 + 8192) * kAttentionPasses / 2 / (4.8e12 * kMemory);
  const double flops = 65536.0 * 65536 * 8192;
  const double peak = 989.4e12 * 65536 / (65536 + kHalfSequence);
  EXPECT_NEAR(seconds(time(65536, 65536, false).forward), flops / (peak * kScoresForward) + passes,
              1e-9);
  EXPECT_GT(time(65536, 65536, true).forward, time(65536, 65536, false).forward);
  EXPECT_GT(time(65536, 65536, true).backward, time(65536, 65536, false).backward);
}

TEST(GateTime, IsLaunchesAndAPassOverTokensAndLogits) {
  const OperationTime time = gate_time(8192, 4096, 128, rates());
  EXPECT_NEAR(seconds(time.forward),
              kLaunches + 8192 * (2.0 * 4096 + kGateLogitBytes * 128) / (4.8e12 * kMemory), 1e-9);
  EXPECT_EQ(time.backward, Time::from_seconds(kGateBackward));
}

TEST(PermuteTime, IsReadAndWrittenAndScatteredBack) {
  const OperationTime time = permute_time(65536, 4096, rates());
  const double pass = 2.0 * 65536 * 4096 / (4.8e12 * kMemory);
  EXPECT_NEAR(seconds(time.forward), 2 * pass, 1e-9);
  EXPECT_NEAR(seconds(time.backward), kPermutePassesBackward * pass, 1e-9);
}

TEST(OptimizerTime, Moves28BytesAParameter) {
  const OperationTime time = optimizer_time(200e6, rates());
  EXPECT_NEAR(seconds(time.forward), 28 * 200e6 / (4.8e12 * kOptimizerMemory), 1e-9);
  EXPECT_EQ(time.backward, Time::zero());
}

}  // namespace
}  // namespace mixnet
