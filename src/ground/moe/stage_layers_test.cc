#include "moe/stage_layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace mixnet {
namespace {

Model model_of(int layers, int mtp = 0) {
  Model model;
  model.layers = layers + mtp;
  model.mtp_layers = mtp;
  model.is_moe.assign(static_cast<std::size_t>(model.layers), true);
  return model;
}

/// Layers of each chunk, in the model's order.
std::vector<int> sizes(const Model& model, int pp, int vpp = 1) {
  const ParallelPlan plan{.pp = pp, .vpp = vpp};
  std::vector<int> all;
  for (int chunk = 0; chunk < vpp; ++chunk) {
    for (int stage = 0; stage < pp; ++stage) {
      const auto [first, end] = chunk_layers(model, plan, stage, chunk);
      all.push_back(end - first);
    }
  }
  return all;
}

std::vector<int> runs(std::initializer_list<std::pair<int, int>> times_and_sizes) {
  std::vector<int> all;
  for (const auto& [times, size] : times_and_sizes) all.insert(all.end(), times, size);
  return all;
}

TEST(StageLayers, AreDealtEvenlyWhereTheyDivide) {
  EXPECT_EQ(sizes(model_of(32), 4), runs({{4, 8}}));
  EXPECT_EQ(sizes(model_of(56), 8, 7), runs({{56, 1}}));
  EXPECT_EQ(sizes(model_of(46), 8), runs({{1, 5}, {6, 6}, {1, 5}})) << "48 = 8 x 6";
}

TEST(StageLayers, EmbeddingAndLossAreALayerEachWhereThatDivides) {
  EXPECT_EQ(sizes(model_of(94), 8, 4), runs({{1, 2}, {30, 3}, {1, 2}})) << "Qwen3-235B";
  EXPECT_EQ(sizes(model_of(94), 8, 3), runs({{1, 3}, {22, 4}, {1, 3}}));
}

TEST(StageLayers, TheLastStageIsNotTheLongest) {
  EXPECT_EQ(sizes(model_of(61), 16), runs({{13, 4}, {3, 3}}));
  // Megatron-Bridge's layouts of DeepSeek-V3, whose last stage has a multi-token-prediction layer.
  EXPECT_EQ(sizes(model_of(61, 1), 16), runs({{15, 4}, {1, 1 + 1}}));
  EXPECT_EQ(sizes(model_of(61, 1), 8), runs({{7, 8}, {1, 5 + 1}}));
  EXPECT_EQ(sizes(model_of(61, 1), 4), runs({{3, 16}, {1, 13 + 1}}));
  EXPECT_EQ(sizes(model_of(61, 1), 8, 4), runs({{30, 2}, {1, 1}, {1, 0 + 1}}));
  EXPECT_EQ(sizes(model_of(5, 1), 4), runs({{1, 2}, {2, 1}, {1, 1 + 1}})) << "one, besides it";
  EXPECT_EQ(sizes(model_of(32, 1), 4), runs({{3, 8}, {1, 8 + 1}})) << "evenly where they divide";
}

/// The third and fourth rule the slow way: layers one by one to where the fewest are.
std::vector<int> dealt_one_by_one(int layers, int mtp, int pp, int vpp) {
  std::vector<int> load(static_cast<std::size_t>(pp) * vpp, 0);
  const int extra = mtp > 0 ? 1 + 2 * mtp : 0;
  load.back() = extra;
  if (vpp == 1) ++load.back(), --layers;
  for (; layers > 0; --layers) ++*std::ranges::min_element(load);
  load.back() += mtp - extra;
  return load;
}

TEST(StageLayers, AreAllThereOnceInTheirOrder) {
  for (const int layers : {1, 7, 24, 61, 94}) {
    for (const int mtp : {0, 1, 3}) {
      const Model model = model_of(layers, mtp);
      for (int pp = 1; pp <= layers; ++pp) {
        for (int vpp = 1; vpp <= std::min(4, layers / pp); ++vpp) {
          const ParallelPlan plan{.pp = pp, .vpp = vpp};
          int next = 0;
          for (int stage = 0; stage < pp; ++stage) {
            const auto [begin, stop] = stage_layers(model, plan, stage);
            EXPECT_EQ(begin, next);
            EXPECT_GT(stop, begin);
            for (int chunk = 0; chunk < vpp; ++chunk) {
              const auto [first, end] = chunk_layers(model, plan, stage, chunk);
              EXPECT_EQ(first, next);
              EXPECT_GE(end, first);
              next = end;
            }
            EXPECT_EQ(stop, next);
          }
          EXPECT_EQ(next, layers + mtp);
          const int chunks = pp * vpp;
          const bool unevenly = layers % chunks != 0 && (mtp > 0 || (layers + 2) % chunks != 0);
          if (unevenly) {
            EXPECT_EQ(sizes(model, pp, vpp), dealt_one_by_one(layers, mtp, pp, vpp))
                << layers << "+" << mtp << " on " << pp << " x " << vpp;
          }
        }
      }
    }
  }
}

TEST(StageLayers, MoeLayersAreCountedInTheirOrder) {
  Model model = model_of(7);
  model.is_moe = {false, false, true, true, false, true, true};
  const auto range = [&](int pp, int stage) {
    const auto [first, end] = stage_moe_layers(model, {.pp = pp}, stage);
    return std::pair(first, end);
  };
  EXPECT_EQ(range(1, 0), std::pair(0, 4));
  EXPECT_EQ(range(2, 0), std::pair(0, 2));
  EXPECT_EQ(range(2, 1), std::pair(2, 4));
  EXPECT_EQ(range(7, 0), std::pair(0, 0)) << "none";
  EXPECT_EQ(range(7, 3), std::pair(1, 2));
  EXPECT_EQ(range(7, 6), std::pair(3, 4));
}

}  // namespace
}  // namespace mixnet
