#include "compute/measured_operations.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader =
    "gpu,model,operation,tp,ep,micro_batch,seq,tokens,forward_ms,backward_ms,flops_forward,note\n";

MeasuredOperations measured(const std::string& rows) {
  return parse_measured_operations(std::string(kHeader) + rows, "m.csv");
}

ComputeRates h200() { return compute_rates(find_gpu("h200"), Precision::kBf16); }

std::string refusal(const std::string& csv) {
  try {
    predict_operations(parse_measured_operations(csv, "m.csv"), h200());
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MeasuredOperations, ReadsRowsOfEveryKind) {
  const MeasuredOperations all = measured(
      "X,-,optimizer,,,,,1000000,1.5,0,0,fused AdamW\n"
      "X,mixtral-8x7b,experts,4,8,1,4096,8192,1.1,2.3,7e11,loop\n");
  ASSERT_EQ(all.rows.size(), 2U);
  EXPECT_EQ(all.rows[0].work.operation, LayerOperation::kOptimizer);
  EXPECT_EQ(all.rows[0].work.tokens, 1e6);
  EXPECT_EQ(all.rows[0].forward_ms, 1.5);
  EXPECT_FALSE(all.rows[0].backward_ms);  // 0: it has none
  EXPECT_EQ(all.rows[1].model, "mixtral-8x7b");
  EXPECT_EQ(all.rows[1].work.tp, 4);
  EXPECT_EQ(all.rows[1].work.ep, 8);
  EXPECT_EQ(all.rows[1].work.calls, ExpertCalls::kLoop);
}

TEST(MeasuredOperations, OnlyThreeColumnsAreNeeded) {
  const MeasuredOperations all =
      parse_measured_operations("tokens,operation,model\n8192,gate,mixtral-8x7b\n", "m.csv");
  const std::vector<PredictedOperation> predicted = predict_operations(all, h200());
  EXPECT_EQ(predicted[0].time, gate_time(8192, 4096, 8, h200()));
  EXPECT_FALSE(predicted[0].forward_error);
}

TEST(MeasuredOperations, ErrorsAreOursOverTheirs) {
  const double ours = optimizer_time(1e8, h200()).forward.to_seconds() * 1e3;
  const MeasuredOperations all = measured("X,-,optimizer,,,,,100000000,1,0,0,\n");
  EXPECT_NEAR(*predict_operations(all, h200())[0].forward_error, ours - 1, 1e-12);
}

TEST(MeasuredOperations, MediansByKindAndOfAll) {
  const MeasuredOperations all = measured(
      "X,mixtral-8x7b,gate,,,,,1,1,1,,\nX,mixtral-8x7b,permute,,,,,1,1,,,\n"
      "X,mixtral-8x7b,gate,,,,,1,1,1,,\nX,mixtral-8x7b,gate,,,,,1,,,,\n");
  std::vector<PredictedOperation> predicted(4);
  predicted[0].forward_error = -0.5;
  predicted[1].forward_error = 0.2;
  predicted[2].forward_error = 0.1;
  predicted[2].backward_error = 0.4;
  const std::vector<OperationErrors> kinds = operation_errors(all, predicted);
  ASSERT_EQ(kinds.size(), 3U);
  EXPECT_EQ(kinds[0].operation, "gate");
  EXPECT_EQ(kinds[0].rows, 3U);
  EXPECT_DOUBLE_EQ(*kinds[0].forward_median, 0.3);
  EXPECT_DOUBLE_EQ(*kinds[0].backward_median, 0.4);
  EXPECT_FALSE(kinds[1].backward_median);
  EXPECT_EQ(kinds[2].operation, "all");
  EXPECT_DOUBLE_EQ(*kinds[2].forward_median, 0.2);
}

TEST(MeasuredOperations, JsonKeepsTheColumnsAndAddsOurs) {
  const MeasuredOperations all = measured("My GPU,-,optimizer,,,,,1000000,1.5,0,,\xff\n");
  const auto document = nlohmann::ordered_json::parse(
      operations_to_json(all, predict_operations(all, h200()), find_gpu("h200"), Precision::kBf16));
  EXPECT_EQ(document["schema"], "mixnet.compute/1");
  const auto& row = document["rows"][0];
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("gpu", "model", "operation", "tp", "ep", "micro_batch", "seq",
                                "tokens", "forward_ms", "backward_ms", "flops_forward", "note",
                                "predicted_forward_ms", "predicted_backward_ms"));
  EXPECT_EQ(row["gpu"], "My GPU");
  EXPECT_TRUE(row["tp"].is_null());
  EXPECT_EQ(row["tokens"], 1000000);
  EXPECT_EQ(row["predicted_backward_ms"], 0);
}

TEST(MeasuredOperations, WhatIsWrongIsNamedByLineAndColumn) {
  const auto row = [](const std::string& cells) { return std::string(kHeader) + cells + "\n"; };
  EXPECT_THAT(refusal("model,operation\nx,gate\n"), HasSubstr("has no column 'tokens'"));
  EXPECT_THAT(refusal("model,operation,tokens,note,note\nx,gate,1,,\n"),
              HasSubstr("two columns 'note'"));
  EXPECT_THAT(refusal("model,operation,tokens,predicted_forward_ms\nx,gate,1,\n"),
              HasSubstr("predicted_forward_ms"));
  EXPECT_THAT(
      refusal(row("X,mixtral-8x7b,atention,,,,,8,1,1,,")),
      HasSubstr("m.csv:2 (column 'operation'): unknown operation 'atention'; did you mean"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,,,,,,1,1,,")), HasSubstr("is empty"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,0,,,,8,1,1,,")), HasSubstr("0 is too small"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,,,,,8.5,1,1,,")), HasSubstr("not a whole number"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,,,,,99999999999999999,1,1,,")),
              HasSubstr("is too large"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,,,,,8,-1,1,,")), HasSubstr("-1 is too small"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,gate,,,,,8,nan,1,,")), HasSubstr("forward_ms"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7c,gate,,,,,8,1,1,,")),
              HasSubstr("m.csv:2 (column 'model'): model 'mixtral-8x7c'"));
  EXPECT_THAT(refusal(row("X,,gate,,,,,8,1,1,,")), HasSubstr("m.csv:2 (column 'model')"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,experts,,3,,,8,1,1,,")),
              HasSubstr("the 8 experts of mixtral-8x7b do not go on ep 3 ranks"));
  EXPECT_THAT(refusal(row("X,mixtral-8x7b,shared_experts,,,,,8,1,1,,")),
              HasSubstr("mixtral-8x7b has no shared_experts"));
}

}  // namespace
}  // namespace mixnet
