#include "training/exchange_places.h"

#include "moe/stage_layers.h"

namespace mixnet {
namespace {

std::vector<ExchangePlace> all_places(const Model& model, const ParallelPlan& plan) {
  std::vector<ExchangePlace> list;
  const int micro_batches = plan.micro_batches();
  for (int replica = 0; replica < plan.replicas(); ++replica) {
    for (int micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
      for (int stage = 0; stage < plan.pp; ++stage) {
        const auto [first, end] = stage_moe_layers(model, plan, stage);
        for (int layer = first; layer < end; ++layer) {
          RoutingPlace before = {0, layer - 1, micro_batch, replica};
          if (layer == first) {
            before.layer = end - 1;
            before.micro_batch = (micro_batch + micro_batches - 1) % micro_batches;
          }
          list.push_back(
              {{0, layer, micro_batch, replica}, plan.first_server(stage, replica), before});
        }
      }
    }
  }
  return list;
}

}  // namespace

std::vector<ExchangePlace> exchange_places(const Model& model, const ParallelPlan& plan,
                                           bool varies, bool uniform) {
  if (varies) return all_places(model, plan);
  if (uniform) return {{{}, plan.first_server(0, 0), {}}};
  std::vector<ExchangePlace> list;
  for (int stage = 0; stage < plan.pp; ++stage) {
    for (int replica = 0; replica < plan.replicas(); ++replica) {
      list.push_back({{}, plan.first_server(stage, replica), {}});
    }
  }
  return list;
}

}  // namespace mixnet
