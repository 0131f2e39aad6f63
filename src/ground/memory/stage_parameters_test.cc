#include "memory/stage_parameters.h"

#include <gtest/gtest.h>

#include <string>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

TEST(StageParameters, AddUpToTheModel) {
  for (const std::string& name : model_names()) {
    Model model = find_model(name);
    model.experts = model.placed_experts;  // a stage has what is placed
    model.tied_embeddings = false;
    model.norm_bias = name.ends_with("b");  // of some: what Phi-3.5-MoE and Arctic have beside
    model.head_bias = model.norm_bias;
    model.shared_norms = model.norm_bias ? 1 : 0;
    ParallelPlan plan;
    for (const int pp : {1, 2, 3, model.layers}) {
      plan.pp = pp;
      std::int64_t sum = 0;
      for (int stage = 0; stage < pp; ++stage) {
        const auto [dense, expert] = stage_parameters(model, plan, stage);
        sum += dense + expert;
      }
      EXPECT_EQ(sum, total_parameters(model)) << name << " pp " << pp;
    }
    // Tied: one matrix where both ends are on one stage, a copy of it where not.
    model.tied_embeddings = true;
    plan.pp = 1;
    const auto [dense, expert] = stage_parameters(model, plan, 0);
    EXPECT_EQ(dense + expert, total_parameters(model)) << name;
    plan.pp = 2;
    EXPECT_GT(stage_parameters(model, plan, 1).dense, std::int64_t{model.vocab} * model.hidden);
  }
}

}  // namespace
}  // namespace mixnet
