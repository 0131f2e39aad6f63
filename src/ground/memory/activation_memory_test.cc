#include "memory/activation_memory.h"

#include <gtest/gtest.h>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// A model of one attention head and two experts with widths that are easy to add.
Model small() {
  Model model;
  model.hidden = 100;
  model.layers = 4;
  model.vocab = 1000;
  model.attention.head_dim = 10;
  model.attention.heads = 4;
  model.attention.kv_heads = 2;
  model.experts = model.placed_experts = 2;
  model.top_k = 2;
  model.expert_intermediate = 30;
  model.dense_intermediate = 50;
  model.is_moe = {true, true, false, true};
  return model;
}

ParallelPlan one_token() {
  ParallelPlan plan;
  plan.seq_length = 1;
  return plan;
}

MemoryOptions with(Recompute recompute) {
  MemoryOptions options;
  options.recompute = recompute;
  return options;
}

TEST(ActivationMemory, OfOneTokenNumberByNumber) {
  const Model model = small();
  const ParallelPlan plan = one_token();
  // Norm's input and output; q, k, v of 40 + 20 + 20; output of 40 and the sums of 4 heads.
  const double attention = 2 * (100 + 100) + 2 * 80 + 2 * 40 + 4 * 4;
  const double experts = 2 * (2 * 100 + 2 * 3 * 30);  // both are visited
  EXPECT_EQ(layer_activations(model, plan, {}, true), attention + 2 * 200 + 9 * 2 + experts);
  EXPECT_EQ(layer_activations(model, plan, {}, false), attention + 2 * 200 + 2 * 3 * 50);
}

TEST(ActivationMemory, SelectiveDropsNormsAndProducts) {
  const Model model = small();
  const ParallelPlan plan = one_token();
  const MemoryOptions selective = with(Recompute::kSelective);
  EXPECT_EQ(
      layer_activations(model, plan, {}, true) - layer_activations(model, plan, selective, true),
      2 * 2 * 100 + 2 * 2 * 30);
  EXPECT_EQ(layer_activations(model, plan, with(Recompute::kFull), true), 2 * 100);
}

TEST(ActivationMemory, SelectiveKeepsLatentsAlone) {
  const Model model = find_model("deepseek-v3");
  const ParallelPlan plan = one_token();
  const double dropped = layer_activations(model, plan, {}, false) -
                         layer_activations(model, plan, with(Recompute::kSelective), false);
  EXPECT_EQ(dropped, 2 * (2 * 7168 + 18432) + 2 * 128 * (192 + 192 + 128));
}

TEST(ActivationMemory, KorthikantiOfADenseLayer) {
  // 34 s b h without dropout (3 s b h), with 2 s b h less for what the output projection's dropout
  // had kept: their feed-forward part of 4 h, not gated, has 16 s b h + 2 for its input; here,
  // gated with width I: 6 I. Attention's 11 s b h: input 2, q k v 6, output 2 (and a dropout mask
  // of 1).
  Model model = small();
  model.attention.head_dim = 25;
  model.attention.kv_heads = 4;
  model.dense_intermediate = 400;
  const double h = 100;
  EXPECT_EQ(layer_activations(model, one_token(), {}, false),
            (2 + 2 + 6 + 2) * h + 4 * 4 + (2 + 2) * h + 6 * 400);
}

TEST(ActivationMemory, TpCpAndEtpDivide) {
  const Model model = small();
  ParallelPlan whole = one_token();
  whole.seq_length = 64;
  ParallelPlan split = whole;
  split.tp = split.etp = 2;
  const double one = layer_activations(model, whole, {}, true);
  // Experts' input is the same on both GPUs that share an expert; the rest is halved.
  const double input = 2 * 100 * 2 * 64;
  EXPECT_EQ(layer_activations(model, split, {}, true), (one - input) / 2 + input);
  split.etp = 1;
  EXPECT_EQ(layer_activations(model, split, {}, true), one / 2);
  ParallelPlan context = whole;
  context.cp = 2;
  EXPECT_EQ(layer_activations(model, context, {}, false),
            layer_activations(model, whole, {}, false) / 2);
  MemoryOptions all_reduce;
  all_reduce.sequence_parallel = false;
  EXPECT_EQ(layer_activations(model, split, all_reduce, true) - one / 2, 2 * 4 * 100 * 32)
      << "norms' inputs and outputs are whole";
}

TEST(ActivationMemory, MicroBatchesInFlight) {
  ParallelPlan plan;
  plan.pp = 4;
  plan.global_batch_size = 16;
  const auto in_flight = [&](bool eager) {
    std::vector<std::int64_t> chunks;
    for (int stage = 0; stage < 4; ++stage) chunks.push_back(chunks_in_flight(plan, eager, stage));
    return chunks;
  };
  using Chunks = std::vector<std::int64_t>;
  EXPECT_EQ(in_flight(false), (Chunks{4, 3, 2, 1}));
  EXPECT_EQ(in_flight(true), (Chunks{7, 5, 3, 1}));
  plan.vpp = 2;  // of half a stage each: 5.5 micro-batches on the first stage, not 4
  EXPECT_EQ(in_flight(false), (Chunks{11, 9, 7, 5}));
  plan.global_batch_size = 4;
  EXPECT_EQ(in_flight(false), (Chunks{8, 8, 8, 8})) << "all run forward first";
  plan.vpp = 1;
  plan.global_batch_size = 2;
  EXPECT_EQ(in_flight(false), (Chunks{2, 2, 2, 1}));
}

TEST(ActivationMemory, FullRecomputeHasOneLayerWhole) {
  const Model model = small();
  ParallelPlan plan = one_token();
  plan.pp = 2;
  plan.global_batch_size = 8;
  const MemoryOptions full = with(Recompute::kFull);
  // Stage 0: two layers with experts, two micro-batches in flight.
  EXPECT_EQ(stage_activations(model, plan, full, 0),
            2 * 2 * 200 + layer_activations(model, plan, {}, true) - 200);
  EXPECT_EQ(stage_activations(model, plan, {}, 0),
            2 * 2 * layer_activations(model, plan, {}, true));
}

TEST(ActivationMemory, TheHeadHasItsLogitsTwice) {
  ParallelPlan plan = one_token();
  plan.seq_length = 2;
  plan.tp = 2;
  EXPECT_EQ(head_activations(small(), plan, {}), 4 * 100 + 2 * 6 * 500);
}

}  // namespace
}  // namespace mixnet
