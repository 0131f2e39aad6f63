#include "moe/stage_layers.h"

#include <algorithm>

namespace mixnet {
namespace {

/// How many layers chunk `number` has, in the model's order.
int layers_of_chunk(const Model& model, const ParallelPlan& plan, int number) {
  const int chunks = plan.pp * plan.vpp;
  const int mtp = model.mtp_layers;
  const int layers = model.layers - mtp;
  const bool is_last = number == chunks - 1;
  const int behind = is_last ? mtp : 0;
  if (layers % chunks == 0) return layers / chunks + behind;
  if (mtp == 0 && (layers + 2) % chunks == 0) {
    return (layers + 2) / chunks - (number == 0 ? 1 : 0) - (is_last ? 1 : 0);
  }
  const int extra = mtp > 0 ? 1 + 2 * mtp : 0;  // the last chunk's, in layers
  const int of_last = std::max((layers + extra) / chunks - extra, plan.vpp == 1 ? 1 : 0);
  if (is_last) return of_last + behind;
  const int others = chunks - 1;
  return (layers - of_last) / others + (number < (layers - of_last) % others ? 1 : 0);
}

}  // namespace

LayerRange chunk_layers(const Model& model, const ParallelPlan& plan, int stage, int chunk) {
  LayerRange range;
  for (int s = 0; s < stage; ++s) {
    for (int c = 0; c < plan.vpp; ++c) range.first += layers_of_chunk(model, plan, c * plan.pp + s);
  }
  for (int c = 0; c < chunk; ++c) range.first += layers_of_chunk(model, plan, c * plan.pp + stage);
  range.end = range.first + layers_of_chunk(model, plan, chunk * plan.pp + stage);
  return range;
}

LayerRange stage_layers(const Model& model, const ParallelPlan& plan, int stage) {
  return {chunk_layers(model, plan, stage, 0).first,
          chunk_layers(model, plan, stage, plan.vpp - 1).end};
}

LayerRange stage_moe_layers(const Model& model, const ParallelPlan& plan, int stage) {
  const auto [first, end] = stage_layers(model, plan, stage);
  const auto count = [&model](int layers) {
    return static_cast<int>(std::count(model.is_moe.begin(), model.is_moe.begin() + layers, true));
  };
  return {count(first), count(end)};
}

}  // namespace mixnet
