#include "compute/operation_shapes.h"

#include <gmock/gmock.h>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

const ComputeRates& h200() {
  static const ComputeRates rates = compute_rates(find_gpu("h200"), Precision::kBf16);
  return rates;
}

TEST(OperationShapes, GroupedQueriesAreTwoProjections) {
  const Model model = find_model("mixtral-8x7b");  // 32 heads of 128, 8 of keys and values
  const GemmShape projections[] = {{8192, 4096, (8 + 2 * 2) * 128}, {8192, 8 * 128, 4096}};
  EXPECT_EQ(operation_time(model, {.tp = 4, .sequence = 4096, .tokens = 8192}, h200()),
            attention_time({8192, 4096, 4096, 8 * 256, false, projections}, h200()));
}

TEST(OperationShapes, KeysAndValuesAreDividedByAtMostTheirHeads) {
  const Model model = find_model("qwen3-235b-a22b");  // 4 heads of keys and values
  const GemmShape projections[] = {{8192, 4096, (8 + 2 * 1) * 128}, {8192, 8 * 128, 4096}};
  EXPECT_EQ(operation_time(model, {.tp = 8, .sequence = 4096, .tokens = 8192}, h200()),
            attention_time({8192, 4096, 4096, 8 * 256, false, projections}, h200()));
}

TEST(OperationShapes, LatentDownProjectionsAreNotDividedByTp) {
  const Model model = find_model("deepseek-v3");
  const GemmShape projections[] = {{4096, 7168, 1536},
                                   {4096, 1536, 16 * 192},
                                   {4096, 7168, 512 + 64},
                                   {4096, 512, 16 * (128 + 128)},
                                   {4096, 16 * 128, 7168}};
  EXPECT_EQ(operation_time(model, {.tp = 8, .sequence = 4096, .tokens = 4096}, h200()),
            attention_time({4096, 4096, 7168, 16 * 320, true, projections}, h200()));
}

TEST(OperationShapes, ExpertsAreDividedByEpAndTheirWidthByTp) {
  const Model model = find_model("qwen3-235b-a22b");
  const OperationWork work = {
      .operation = LayerOperation::kExperts, .tp = 4, .ep = 8, .tokens = 32768};
  EXPECT_EQ(operation_time(model, work, h200()), experts_time({32768, 16, 4096, 384}, h200()));
  OperationWork busiest = work;
  busiest.tokens *= 1.5;  // the layer waits for the rank with most token copies
  EXPECT_GT(operation_time(model, busiest, h200()).forward,
            operation_time(model, work, h200()).forward);
}

TEST(OperationShapes, ExpertsThatDoNotDivideAreThosePlaced) {
  const Model model = find_model("qwen-moe");  // 60, placed as 64
  EXPECT_EQ(local_experts(model, 4), 15);
  EXPECT_EQ(local_experts(model, 8), 8);
}

TEST(OperationShapes, HeadAndGateStayInBf16) {
  const Model model = find_model("deepseek-v3");
  const ComputeRates fp8 = compute_rates(find_gpu("h200"), Precision::kFp8);
  for (const LayerOperation operation : {LayerOperation::kHead, LayerOperation::kGate,
                                         LayerOperation::kPermute, LayerOperation::kOptimizer}) {
    const OperationWork work = {.operation = operation, .tokens = 8192};
    EXPECT_EQ(operation_time(model, work, fp8), operation_time(model, work, h200()));
  }
  for (const LayerOperation operation : {LayerOperation::kExperts, LayerOperation::kSharedExperts,
                                         LayerOperation::kDenseFfn, LayerOperation::kAttention}) {
    const OperationWork work = {
        .operation = operation, .ep = 64, .sequence = 4096, .tokens = 32768};
    EXPECT_LT(operation_time(model, work, fp8).forward,
              operation_time(model, work, h200()).forward);
  }
}

TEST(OperationShapes, ModelsHaveTheOperationsOfTheirLayers) {
  EXPECT_TRUE(has_operation(find_model("deepseek-v3"), LayerOperation::kSharedExperts));
  EXPECT_TRUE(has_operation(find_model("deepseek-v3"), LayerOperation::kDenseFfn));
  EXPECT_FALSE(has_operation(find_model("mixtral-8x7b"), LayerOperation::kSharedExperts));
  EXPECT_FALSE(has_operation(find_model("mixtral-8x7b"), LayerOperation::kDenseFfn));
}

}  // namespace
}  // namespace mixnet
