#include "compare/training_figures.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

ParallelPlan plan_of_128() {
  ParallelPlan plan;
  plan.tp = 4;
  plan.dp = 32;
  plan.global_batch_size = 256;
  plan.seq_length = 4096;
  return plan;
}

TEST(TrainingFigures, OfMixtral8x22BOn128H100) {
  // Published: 458.3 TFLOP/s a GPU at 4.48 s an iteration of 256 x 4096 tokens (arXiv:2504.14960):
  // 39.2 B active parameters, less the embedding, six FLOPs each, and the scores, of which
  // Megatron-LM then counted the masked half, too.
  const Model model = find_model("mixtral-8x22b");
  const TrainingFigures figures =
      training_figures(model, plan_of_128(), find_gpu("h100"), Time::milliseconds(4480), 0);
  EXPECT_NEAR(figures.tokens_per_second_per_gpu, 256 * 4096 / 4.48 / 128, 1e-6);
  const double scores = 3.0 * 56 * 4096 * 48 * (128 + 128);  // half of 4 s a head width
  EXPECT_NEAR(figures.flops_per_token, 6 * (39.15e9 - 32768.0 * 6144) + scores, 0.002e12);
  const double masked = scores * figures.tokens_per_second_per_gpu * 1e-12;
  EXPECT_NEAR(figures.tflops_per_gpu + masked, 458.3, 0.005 * 458.3);
  EXPECT_NEAR(figures.mfu, figures.tflops_per_gpu / 989.4, 1e-4);
  EXPECT_FALSE(figures.days);
}

TEST(TrainingFigures, DaysAndDollarsForTokens) {
  TrainingFigures figures =
      training_figures(find_model("mixtral-8x7b"), plan_of_128(), find_gpu("h100"),
                       Time::seconds(1), 256 * 4096 * 864e2);
  ASSERT_TRUE(figures.days);
  EXPECT_NEAR(*figures.days, 1, 1e-9);
  EXPECT_FALSE(figures.usd);
  ClusterCost cluster;
  cluster.servers_usd = 4 * 365.25 * 1000;
  add_cost(cluster, 4, figures);
  EXPECT_NEAR(figures.usd.value(), 1000, 1e-6);
}

TEST(ParseTokenCount, TakesWhatPeopleWrite) {
  EXPECT_EQ(parse_token_count("15T", "--tokens"), 15e12);
  EXPECT_EQ(parse_token_count("300B", "--tokens"), 300e9);
  EXPECT_EQ(parse_token_count("2.5M", "--tokens"), 2.5e6);
  EXPECT_EQ(parse_token_count("5000", "--tokens"), 5000);
  for (const char* text : {"", "T", "-1T", "0", "1e30", "nan", "15 T", "15X", "infT"}) {
    EXPECT_THROW(parse_token_count(text, "--tokens"), Error) << text;
  }
}

}  // namespace
}  // namespace mixnet
