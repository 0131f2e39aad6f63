#include "moe/layer_shapes.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

// All on paper, for a hidden size of 8.

TEST(LayerShapes, FeedForwardPartsHaveTwoMatricesOrThree) {
  EXPECT_EQ(parameters(FeedForward{5}, 8), 3 * 8 * 5);
  EXPECT_EQ(parameters(FeedForward{5, false}, 8), 2 * 8 * 5);
  EXPECT_EQ(parameters(FeedForward{5, true, true}, 8), 3 * 8 * 5 + 2 * 5 + 8);
  EXPECT_EQ(parameters(FeedForward{0, true, true}, 8), 0);
}

TEST(LayerShapes, RoutersHaveABiasAndMore) {
  EXPECT_EQ(parameters(Router{4}, 8), 32);
  EXPECT_EQ(parameters(Router{4, true}, 8), 32 + 4);
  EXPECT_EQ(parameters(Router{4, false, true, true}, 8), 2 * 32 + 16);
}

TEST(LayerShapes, ValuesMayBeOfAnotherWidthAndTheOutputGated) {
  Attention attention;
  attention.heads = 4;
  attention.kv_heads = 2;
  attention.head_dim = 3;
  EXPECT_EQ(parameters(attention, 8), 8 * (12 + 6 + 6) + 12 * 8);
  attention.v_head_dim = 5;
  EXPECT_EQ(parameters(attention, 8), 8 * (12 + 6 + 10) + 20 * 8);
  attention.gate_width = 4;
  EXPECT_EQ(parameters(attention, 8), 8 * (12 + 6 + 10) + 20 * 8 + 8 * 4);
}

TEST(LayerShapes, TheIndexerHasQueriesOneKeyAndAWeightPerHead) {
  Attention attention;
  attention.kind = AttentionKind::kMultiHeadLatent;
  attention.q_lora_rank = 6;
  attention.kv_lora_rank = 7;
  attention.qk_nope_head_dim = 3;
  attention.qk_rope_head_dim = 2;
  attention.v_head_dim = 4;
  const std::int64_t without = parameters(attention, 8);
  attention.index_heads = 3;
  attention.index_dim = 5;
  EXPECT_EQ(parameters(attention, 8) - without, 6 * 15 + 8 * 5 + 8 * 3 + 2 * 5);

  attention.heads = 2;
  attention.head_dim = 3 + 2;
  LayerShape layer;
  layer.mixers = {attention};
  StackShape stack;
  stack.layers = {layer};
  // Of each token before: a head's score and value; an index head's score, and weight in the sum.
  EXPECT_EQ(count(stack).attention_flops_per_token, 2 * (5 + 4) + 3 * (5 + 1));
}

TEST(LayerShapes, LinearAttentionAndStateSpaces) {
  Attention delta{.kind = AttentionKind::kGatedDelta, .heads = 2, .head_dim = 3};
  delta.value_heads = 4;
  delta.v_head_dim = 5;
  delta.convolution = 4;
  // Queries, keys 6 wide, values and their gate 20; two numbers a value head, twice.
  EXPECT_EQ(parameters(delta, 8), 8 * (6 + 6 + 20 + 20) + 8 * 8 + (12 + 20) * 4 + 8 + 5 + 20 * 8);

  Attention lightning{.kind = AttentionKind::kLightning, .heads = 2, .head_dim = 3};
  EXPECT_EQ(parameters(lightning, 8), 5 * 8 * 6 + 6);

  Attention mamba{.kind = AttentionKind::kStateSpace};
  mamba.inner = 16;
  mamba.state = 3;
  mamba.convolution = 4;
  mamba.rank = 2;
  EXPECT_EQ(parameters(mamba, 8),
            16 * 3 + 16 + 16 * 4 + 3 * 8 * 16 + 16 * (2 + 6) + 2 * 16 + 16 + 8);

  Attention convolution{.kind = AttentionKind::kShortConvolution};
  convolution.convolution = 3;
  EXPECT_EQ(parameters(convolution, 8), 4 * 64 + 24);
}

TEST(LayerShapes, ActiveAreTopKOfTheExpertsAndAllThatIsShared) {
  LayerShape layer;
  layer.count = 2;
  layer.mixers = {Attention{}};
  layer.experts = 4;
  layer.top_k = 1;
  layer.expert = {5};
  layer.shared = {6};
  layer.shared_gate = true;
  layer.router = {4};
  StackShape stack;
  stack.hidden = 8;
  stack.vocab = 100;
  stack.layers = {layer};
  const ModelCounts counts = count(stack);
  EXPECT_EQ(counts.total.experts, 2 * 4 * 120);
  EXPECT_EQ(counts.active.experts, 2 * 120);
  EXPECT_EQ(counts.total.shared, 2 * (144 + 8));
  EXPECT_EQ(counts.active.shared, counts.total.shared);
  EXPECT_EQ(counts.total.norms, 2 * 2 * 8 + 8);
  EXPECT_EQ(counts.total.head, 800);
  EXPECT_EQ(counts.total.total() - counts.active.total(), 2 * 3 * 120);
  EXPECT_EQ(counts.attention_flops_per_token, 2 * 1 * (1 + 1));
  stack.tied_embeddings = true;
  stack.norm_bias = true;
  EXPECT_EQ(count(stack).total.head, 0);
  EXPECT_EQ(count(stack).total.norms, 2 * counts.total.norms);
}

}  // namespace
}  // namespace mixnet
