// Parameters of one pipeline stage, all TP ranks together. Pure.
#pragma once

#include <cstdint>

#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

struct StageParameters {
  /// Of which every EP rank has a copy: attention, gate, shared experts, dense FFN, the embedding
  /// on the first stage, the final norm and the head on the last (a head tied to an embedding on
  /// another stage is a copy of it), and of multi-token-prediction layers.
  std::int64_t dense = 0;
  /// Which the EP group shares out: all routed experts, as placed.
  std::int64_t expert = 0;
};
StageParameters stage_parameters(const Model& model, const ParallelPlan& plan, int stage);

}  // namespace mixnet
