#include "compute/compute_model.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr double kTokens = 8 * 4096;
constexpr double kParameters = 1e9;  // of a GPU

ParallelPlan default_plan(const Model& model) {
  PlanRequest request;
  return make_plan(model, request);
}

/// Mixtral 8x7B, tp 4, pp 4, ep 8, micro-batch 8 x 4096 = 32,768 tokens, on an H100.
ComputeModel mixtral(const ComputeOptions& options = {}) {
  const Model model = find_model("mixtral-8x7b");
  return {model, default_plan(model), find_gpu("h100"), options, kParameters};
}

ComputeRates rates() { return compute_rates(find_gpu("h100"), Precision::kBf16); }

OperationTime curve(LayerOperation operation, int tp, double tokens) {
  return operation_time(
      find_model("mixtral-8x7b"),
      {.operation = operation, .tp = tp, .ep = 8, .sequence = 4096, .tokens = tokens}, rates());
}

/// With what adding `parameters` gradients to those before takes: 4 bytes each, of which the curve
/// has 2.
OperationTime with_sum(OperationTime time, double parameters) {
  time.backward += Time::from_seconds(2 * parameters / (rates().bytes * kMemory));
  return time;
}

constexpr double kAttention = (2 * 4096 * 4096 + 2 * 4096 * 1024 + 2 * 4096) / 4.0;  // with norms
constexpr double kExpert = 3.0 * 4096 * 14336 / 4;  // one of a rank

TEST(Compute, OperationsAreTheCurvesOfWhatAGpuOfThePlanHas) {
  const ComputeModel compute = mixtral();
  EXPECT_EQ(compute.time(LayerOperation::kAttention),
            with_sum(curve(LayerOperation::kAttention, 4, kTokens), kAttention));
  EXPECT_EQ(compute.time(LayerOperation::kHead),
            with_sum(curve(LayerOperation::kHead, 4, kTokens), 32000 * 4096 / 4.0));
  // Mixtral has none of these.
  EXPECT_EQ(compute.time(LayerOperation::kSharedExperts), OperationTime{});
  EXPECT_EQ(compute.time(LayerOperation::kDenseFfn), OperationTime{});
  EXPECT_EQ(compute.time(LayerOperation::kOptimizer),
            curve(LayerOperation::kOptimizer, 4, kParameters));
}

TEST(Compute, GateAndExpertsMoveTheirCopies) {
  ComputeOptions options;
  options.layer_wait = Time::milliseconds(3);
  const ComputeModel compute = mixtral(options);
  // Sequence parallel: a GPU's gate has a fourth of the tokens, each of which goes to two experts.
  const OperationTime gate = curve(LayerOperation::kGate, 4, kTokens / 4);
  const OperationTime moved = fused_permute_time(kTokens / 4 * 2, 4096, rates());
  EXPECT_EQ(compute.time(LayerOperation::kGate).forward,
            gate.forward + moved.forward + options.layer_wait);
  EXPECT_EQ(compute.time(LayerOperation::kGate).backward,
            gate.backward + moved.backward + options.layer_wait);
  // 65,536 copies a rank, whose four GPUs compute a fourth of each expert's width on all of them
  // and move a fourth of them back.
  const OperationTime experts = curve(LayerOperation::kExperts, 4, 65'536);
  const OperationTime back = fused_permute_time(65'536 / 4, 4096, rates());
  EXPECT_EQ(compute.experts(65'536).forward, experts.forward + back.forward);
  EXPECT_EQ(compute.experts(65'536).backward, with_sum(experts, kExpert).backward + back.backward);
  EXPECT_EQ(compute.time(LayerOperation::kExperts), compute.experts(65'536));
}

TEST(Compute, WiderGradientsTakeLongerToAddUp) {
  ComputeOptions options;
  options.gradient_bytes = 4;
  const Time more = mixtral(options).time(LayerOperation::kExperts).backward -
                    mixtral().time(LayerOperation::kExperts).backward;
  EXPECT_NEAR(more.to_seconds(), 4 * kExpert / (rates().bytes * kMemory), 1e-11);
}

TEST(Compute, ExpertsLastAsLongAsTheBusiestRanks) {
  const ComputeModel compute = mixtral();
  const double balanced = compute.experts(65'536).forward.to_seconds();
  EXPECT_NEAR(compute.experts(196'608).forward.to_seconds() / balanced, 3, 0.03);
  // Few tokens still read all weights of the rank's expert.
  const double weights = 2 * 3.0 * 4096 * 14336 / 4;
  EXPECT_GE(compute.experts(1).forward.to_seconds(), weights / 3350e9);
  EXPECT_GT(compute.experts(0).forward, Time::zero());
  for (std::int64_t tokens = 0; tokens < 200'000; tokens += 1999) {
    EXPECT_LE(compute.experts(tokens).forward, compute.experts(tokens + 1999).forward);
  }
}

TEST(Compute, ExpertsHaveATensorParallelismOfTheirOwn) {
  const Model model = find_model("mixtral-8x7b");
  ParallelPlan plan = default_plan(model);
  const ComputeModel same(model, plan, find_gpu("h100"), {}, kParameters);
  plan.etp = 1;  // a rank is one GPU, which has a fourth of a micro-batch and whole experts
  const ComputeModel whole(model, plan, find_gpu("h100"), {}, kParameters);
  // As many FLOPs, in wider matrices on fewer rows, which go better.
  const double ratio = whole.time(LayerOperation::kExperts).forward.to_seconds() /
                       same.time(LayerOperation::kExperts).forward.to_seconds();
  EXPECT_GT(ratio, 0.9);
  EXPECT_LT(ratio, 1);
  EXPECT_EQ(whole.time(LayerOperation::kAttention), same.time(LayerOperation::kAttention));
}

TEST(Compute, ContextParallelRanksHaveAShareOfTheTokens) {
  const Model model = find_model("mixtral-8x7b");
  ParallelPlan plan = default_plan(model);
  plan.cp = 2;
  const ComputeModel shared(model, plan, find_gpu("h100"), {}, kParameters);
  EXPECT_EQ(shared.time(LayerOperation::kAttention),
            with_sum(curve(LayerOperation::kAttention, 4, kTokens / 2), kAttention));
}

TEST(Compute, Fp8IsFasterWhereMatricesAreLarge) {
  ComputeOptions options;
  options.precision = Precision::kFp8;
  const ComputeModel narrow = mixtral(options);
  EXPECT_LT(narrow.time(LayerOperation::kExperts).forward,
            mixtral().time(LayerOperation::kExperts).forward);
  EXPECT_EQ(narrow.time(LayerOperation::kHead), mixtral().time(LayerOperation::kHead));
  const Model model = find_model("mixtral-8x7b");
  EXPECT_THROW(ComputeModel(model, default_plan(model), find_gpu("a100"), options, kParameters),
               Error);
}

TEST(Compute, AProfileReplacesWhatWasMeasured) {
  ComputeOptions options;
  options.profile = parse_compute_profile(R"({"operations": {
      "attention": {"forward": "4.1ms", "backward": "9ms"},
      "experts": {"forward": "6 ms", "backward": "13ms"},
      "optimizer": {"forward": "18ms"}}})",
                                          "profile.json");
  const ComputeModel compute = mixtral(options);
  EXPECT_EQ(compute.time(LayerOperation::kAttention).forward, Time::microseconds(4100));
  EXPECT_EQ(compute.time(LayerOperation::kAttention).backward, Time::milliseconds(9));
  EXPECT_EQ(compute.time(LayerOperation::kOptimizer).forward, Time::milliseconds(18));
  EXPECT_EQ(compute.time(LayerOperation::kGate).forward,
            mixtral().time(LayerOperation::kGate).forward);
  // Experts scale from balanced load.
  EXPECT_EQ(compute.experts(65'536).forward, Time::milliseconds(6));
  EXPECT_EQ(compute.experts(131'072).forward, Time::milliseconds(12));
  EXPECT_EQ(compute.experts(65'536 / 4).backward, Time::microseconds(3250));
}

TEST(Compute, TimesOfOtherShapesCorrectTheCurve) {
  ComputeOptions options;
  // Attention of as many tokens, of the model and of another, at a GPU that is half as fast.
  const OperationTime measured = curve(LayerOperation::kAttention, 4, 2048);
  options.profile = parse_operations_profile(
      "model,operation,tp,seq,tokens,forward_ms,backward_ms\n"
      "mixtral-8x7b,attention,4,4096,2048," +
          std::to_string(measured.forward.to_seconds() * 2e3) + "," +
          std::to_string(measured.backward.to_seconds() * 3e3) +
          "\n"
          "qwen3-235b-a22b,attention,4,4096,32768,1000,1000\n",
      "times.csv", "mixtral-8x7b", rates());
  const ComputeModel compute = mixtral(options);
  const OperationTime plain = curve(LayerOperation::kAttention, 4, kTokens);
  EXPECT_NEAR(compute.time(LayerOperation::kAttention).forward.to_seconds(),
              2 * plain.forward.to_seconds(), 1e-6);
  EXPECT_NEAR(compute.time(LayerOperation::kAttention).backward.to_seconds(),
              3 * plain.backward.to_seconds() + 2 * kAttention / (rates().bytes * kMemory), 1e-6);
  EXPECT_EQ(compute.time(LayerOperation::kHead), mixtral().time(LayerOperation::kHead));
}

}  // namespace
}  // namespace mixnet
