#include "moe/model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// Small enough to count on paper: 2 layers, the first dense.
Model small_model() {
  Model model;
  model.layers = 2;
  model.hidden = 8;
  model.vocab = 100;
  model.attention.heads = 4;
  model.attention.kv_heads = 2;
  model.attention.head_dim = 3;
  model.dense_intermediate = 20;
  model.experts = 6;
  model.placed_experts = 6;
  model.top_k = 2;
  model.expert_intermediate = 5;
  model.is_moe = {false, true};
  return model;
}

TEST(Model, CountsGroupedQueryAttention) {
  Model model = small_model();
  // Queries 8x12, keys and values 8x6 each, output 12x8, two norms of 8.
  EXPECT_EQ(attention_parameters(model), 96 + 48 + 48 + 96 + 16);
  model.attention.qkv_bias = true;
  EXPECT_EQ(attention_parameters(model), 304 + 12 + 6 + 6);
  model.attention.output_bias = true;
  EXPECT_EQ(attention_parameters(model), 304 + 24 + 8);
  model.attention.sinks = true;
  EXPECT_EQ(attention_parameters(model), 304 + 32 + 4);
  model.attention.query_norm_width = 12;
  model.attention.key_norm_width = 6;
  EXPECT_EQ(attention_parameters(model), 304 + 36 + 18);
}

TEST(Model, CountsMultiHeadLatentAttention) {
  Model model = small_model();
  Attention& attention = model.attention;
  attention.kind = AttentionKind::kMultiHeadLatent;
  attention.q_lora_rank = 5;
  attention.kv_lora_rank = 7;
  attention.qk_nope_head_dim = 3;
  attention.qk_rope_head_dim = 2;
  attention.v_head_dim = 4;
  // Queries: 8x5 down, norm 5, 5x(4 heads x 5) up.
  const std::int64_t queries = 40 + 5 + 100;
  // Keys and values: 8x(7+2) down, norm 7, 7x4x(3+4) up; output 4x4x8; two norms of 8.
  const std::int64_t rest = 72 + 7 + 196 + 128 + 16;
  EXPECT_EQ(attention_parameters(model), queries + rest);
  attention.qkv_bias = true;
  attention.output_bias = true;
  EXPECT_EQ(attention_parameters(model), queries + rest + 5 + 9 + 8);
  attention.q_lora_rank = 0;  // one matrix 8x(4x5) instead; its bias is gone with the latent
  EXPECT_EQ(attention_parameters(model), 160 + rest + 9 + 8);
}

TEST(Model, CountsExpertsSharedExpertsAndRouters) {
  Model model = small_model();
  EXPECT_EQ(expert_parameters(model), 3 * 8 * 5);
  model.expert_bias = true;  // gate and up 5 each, down 8
  EXPECT_EQ(expert_parameters(model), 120 + 18);
  EXPECT_EQ(dense_ffn_parameters(model), 3 * 8 * 20);
  EXPECT_EQ(shared_expert_parameters(model), 0);
  model.shared_intermediate = 10;
  EXPECT_EQ(shared_expert_parameters(model), 240);
  model.shared_expert_gate = true;
  EXPECT_EQ(shared_expert_parameters(model), 248);
  EXPECT_EQ(router_parameters(model), 48);
  model.router_bias = true;
  EXPECT_EQ(router_parameters(model), 48 + 6);
  model.router_mlp = true;
  EXPECT_EQ(router_parameters(model), 48 + 6 + 36);
  model.router_noise = true;
  EXPECT_EQ(router_parameters(model), 2 * 48 + 6 + 36);
}

TEST(Model, TotalIsTheSumOfItsLayers) {
  const Model model = small_model();
  EXPECT_EQ(moe_layers(model), 1);
  // Embedding and head, final norm, two attentions, one dense part, one router with experts.
  EXPECT_EQ(total_parameters(model), 2 * 800 + 8 + 2 * 304 + 480 + 48 + 6 * 120);
  EXPECT_EQ(active_parameters(model), 2 * 800 + 8 + 2 * 304 + 480 + 48 + 2 * 120);
}

TEST(Model, TiedEmbeddingsCountOnce) {
  Model model = small_model();
  const std::int64_t untied = total_parameters(model);
  model.tied_embeddings = true;
  EXPECT_EQ(embedding_parameters(model), 800);
  EXPECT_EQ(untied - total_parameters(model), 800);
}

TEST(Model, PlacementDoesNotChangeWhatIsCounted) {
  Model model = small_model();
  const std::int64_t total = total_parameters(model);
  model.placed_experts = 8;
  EXPECT_EQ(total_parameters(model), total);
}

TEST(Model, ActiveEqualsTotalWhenEveryExpertIsVisited) {
  Model model = small_model();
  model.top_k = model.experts;
  EXPECT_EQ(active_parameters(model), total_parameters(model));
}

TEST(Model, MtpLayersAreTrainedAndNotPublished) {
  const Model model = find_model("deepseek-v3");
  EXPECT_EQ(model.published_mtp_layers, 1);
  EXPECT_EQ(model.layers, 61);
  const Model trained = with_mtp(model, 1);
  EXPECT_EQ(trained.layers, 62);
  EXPECT_TRUE(trained.is_moe.back());
  // The 11.5 B of DeepSeek-V3's report, section 2.2, without embedding and head, which it shares.
  const std::int64_t more =
      total_parameters(trained) - total_parameters(model) + mtp_parameters(trained);
  EXPECT_NEAR(static_cast<double>(more), 11.5e9, 0.2e9);
  // A layer, its projection and the head again.
  const double flops =
      forward_flops_per_token(trained, 4096) - forward_flops_per_token(model, 4096);
  EXPECT_GT(flops, 2.0 * model.hidden * model.vocab);
  EXPECT_EQ(with_mtp(model, 0).layers, 61);
  EXPECT_EQ(find_model("mixtral-8x7b").published_mtp_layers, 0);
  for (const int count : {-1, 17}) EXPECT_THROW((void)with_mtp(model, count), Error);
}

}  // namespace
}  // namespace mixnet
