#include "memory/stage_parameters.h"

#include "moe/stage_layers.h"

namespace mixnet {

StageParameters stage_parameters(const Model& model, const ParallelPlan& plan, int stage) {
  const auto [first, end] = stage_layers(model, plan, stage);
  StageParameters sum;
  for (int layer = first; layer < end; ++layer) {
    sum.dense += attention_parameters(model);
    if (model.is_moe[layer]) {
      sum.dense += router_parameters(model) + shared_expert_parameters(model);
      sum.expert += std::int64_t{model.placed_experts} * expert_parameters(model);
    } else {
      sum.dense += dense_ffn_parameters(model);
    }
  }
  const std::int64_t embedding = std::int64_t{model.vocab} * model.hidden;
  const bool one_matrix = model.tied_embeddings && plan.pp == 1;
  if (stage == 0) sum.dense += embedding;
  if (stage != plan.pp - 1) return sum;
  sum.dense += (one_matrix ? 0 : embedding) + final_norm_parameters(model);
  if (model.head_bias) sum.dense += model.vocab;
  if (model.mtp_layers > 0) {
    // They read the next token's embedding, of which this stage has a copy.
    sum.dense += mtp_parameters(model);
    if (plan.pp > 1 && !model.tied_embeddings) sum.dense += embedding;
  }
  return sum;
}

}  // namespace mixnet
