#include "moe/token_counts.h"

namespace mixnet {

RoutingShape routing_shape(const Model& model, const ParallelPlan& plan) {
  return {.ep = plan.ep,
          .experts = model.placed_experts,
          .top_k = model.top_k,
          .layers = moe_layers(model),
          .tokens = plan.tokens_per_ep_rank()};
}

}  // namespace mixnet
