#include "memory/rank_parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// A matrix (a vector has one row) whose columns are dealt out one by one to `parts` ranks.
struct Matrix {
  std::int64_t rows, columns, parts;

  std::int64_t on(std::int64_t rank) const {
    std::int64_t own = 0;
    for (std::int64_t column = rank; column < columns; column += parts) own += rows;
    return own;
  }
};

/// Mixtral's or Qwen3's attention: heads and their keys are dealt out whole.
std::vector<Matrix> grouped_query_layer(const Model& model, std::int64_t tp) {
  const Attention& a = model.attention;
  const std::int64_t h = model.hidden;
  std::vector<Matrix> all = {{h * a.head_dim, a.heads, tp},
                             {h * a.head_dim, a.kv_heads, tp},
                             {h * a.head_dim, a.kv_heads, tp},
                             {h * a.head_dim, a.heads, tp}};
  for (int norm = 0; norm < model.norms; ++norm) all.push_back({1, h, 1});
  if (a.query_norm_width > 0) all.push_back({1, a.head_dim, 1});
  if (a.key_norm_width > 0) all.push_back({1, a.head_dim, 1});
  all.push_back({h, model.placed_experts, 1});  // router
  return all;
}

ParallelPlan plan_of(int tp, int pp, int ep, int etp, int dp) {
  ParallelPlan plan;
  plan.tp = tp;
  plan.pp = pp;
  plan.ep = ep;
  plan.etp = etp;
  plan.dp = dp;
  return plan;
}

TEST(RankParameters, WithoutDivisionAllThatThereIs) {
  for (const std::string& name : model_names()) {
    Model model = find_model(name);
    model.experts = model.placed_experts;  // a stage has what is placed
    std::int64_t sum = 0;
    const int pp = 2;
    for (int stage = 0; stage < pp; ++stage) {
      sum += stage_on_rank(model, plan_of(1, pp, 1, 1, 1), stage).sum();
    }
    const std::int64_t tied =
        model.tied_embeddings ? std::int64_t{model.vocab} * model.hidden : 0;  // a copy
    EXPECT_EQ(sum, total_parameters(model) + tied) << name;
  }
}

TEST(RankParameters, MatrixByMatrixOnTheRankThatHasMost) {
  for (const std::string name : {"mixtral-8x7b", "qwen3-235b-a22b"}) {
    const Model model = find_model(name);
    for (const auto& [tp, ep, etp] : {std::tuple{1, 8, 1}, {2, 4, 2}, {4, 8, 1}, {8, 2, 4}}) {
      const ParallelPlan plan = plan_of(tp, 1, ep, etp, 8);
      std::int64_t most_dense = 0;
      for (int rank = 0; rank < tp; ++rank) {
        std::int64_t own = 0;
        for (const Matrix& matrix : grouped_query_layer(model, tp))
          own += matrix.on(rank % matrix.parts);
        most_dense = std::max(most_dense, own);
      }
      std::int64_t most_experts = 0;
      for (int rank = 0; rank < ep; ++rank) {
        std::int64_t own = 0;
        for (int expert = rank; expert < model.placed_experts; expert += ep) {
          own += 3 * Matrix{model.hidden, model.expert_intermediate, etp}.on(0);
        }
        most_experts = std::max(most_experts, own);
      }
      const RankParameters layer = layer_on_rank(model, plan, true);
      EXPECT_EQ(layer.dense, most_dense) << name << " tp " << tp;
      EXPECT_EQ(layer.expert, most_experts) << name << " ep " << ep << " etp " << etp;
    }
  }
}

TEST(RankParameters, KeysOfFewerHeadsThanTpAreOnEveryRank) {
  Model model = find_model("mixtral-8x7b");  // 32 heads, 8 of keys
  const RankParameters at_8 = layer_on_rank(model, plan_of(8, 1, 1, 1, 1), true);
  const RankParameters at_16 = layer_on_rank(model, plan_of(16, 1, 1, 1, 1), true);
  const std::int64_t h = 4096;
  const std::int64_t whole = 2 * h + h * 8;  // norms, router
  EXPECT_EQ(at_8.dense, h * (4 * 128 + 2 * 128) + 4 * 128 * h + whole);
  EXPECT_EQ(at_16.dense, h * (2 * 128 + 2 * 128) + 2 * 128 * h + whole);
}

TEST(RankParameters, LatentsAreWholeOnEveryRank) {
  const Model model = find_model("deepseek-v3");
  const std::int64_t h = 7168;
  const std::int64_t into = h * 1536 + 1536 + h * (512 + 64) + 512;
  const std::int64_t out = 1536 * 64 * 192 + 512 * 64 * (128 + 128) + 64 * 128 * h;  // of 64 heads
  const std::int64_t dense_ffn = 3 * h * 18432 / 2;
  EXPECT_EQ(layer_on_rank(model, plan_of(2, 1, 64, 1, 32), false).dense,
            into + out + dense_ffn + 2 * h);
}

TEST(RankParameters, ACopysShareIsRoundedUp) {
  ParallelPlan plan = plan_of(1, 1, 2, 1, 6);  // three copies of each expert
  EXPECT_EQ(share_of_copy({.dense = 13, .expert = 10}, plan), 3 + 4);
  plan.cp = 2;
  EXPECT_EQ(share_of_copy({.dense = 13, .expert = 10}, plan), 2 + 2);  // 12 and 6 copies
}

}  // namespace
}  // namespace mixnet
