#include "memory/memory_use.h"

#include <algorithm>

#include "memory/activation_memory.h"
#include "memory/rank_parameters.h"

namespace mixnet {
namespace {

constexpr std::int64_t kCopiesInFp8 = 2;  // by rows and by columns, a byte each

std::int64_t whole_bytes(double bytes) {
  constexpr double kMost = 1e18;
  return static_cast<std::int64_t>(std::min(bytes, kMost));
}

}  // namespace

MemoryUse memory_of_stage(const Model& model, const ParallelPlan& plan,
                          const MemoryOptions& options, int stage) {
  const RankParameters own = stage_on_rank(model, plan, stage);
  const StageLayers layers = layers_on_stage(model, plan, stage);
  // In fp8 a gathered parameter is cast when it is used, and not kept.
  const std::int64_t fp8 = options.fp8 && options.zero < 3 ? kCopiesInFp8 * own.in_fp8 : 0;
  const auto held = [&](int from) {
    return options.zero >= from ? share_of_copy(own, plan) : own.sum();
  };
  const std::int64_t largest_layer =
      std::max(layers.moe > 0 ? layer_on_rank(model, plan, true).sum() : 0,
               layers.dense > 0 ? layer_on_rank(model, plan, false).sum() : 0);

  MemoryUse use;
  use.parameters = kBytesPerNumber * held(3) + fp8;
  use.gradients = options.gradient_bytes * held(2);
  use.optimizer = (kMasterBytes + 2 * options.moment_bytes) * held(1);
  use.activations = whole_bytes(stage_activations(model, plan, options, stage));
  use.buffers = whole_bytes(activation_buffers(model, plan, options, stage));
  if (options.zero >= 2) use.buffers += options.gradient_bytes * largest_layer;
  if (options.zero >= 3) use.buffers += 2 * kBytesPerNumber * largest_layer;
  return use;
}

WorstRank worst_rank(const Model& model, const ParallelPlan& plan, const MemoryOptions& options) {
  WorstRank worst;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const MemoryUse use = memory_of_stage(model, plan, options, stage);
    if (stage == 0 || use.total() > worst.use.total()) worst = {stage, use};
  }
  return worst;
}

std::int64_t usable_memory(const Gpu& gpu) {
  return std::max<std::int64_t>(0, gpu.memory.count - kRuntimeOverhead);
}

}  // namespace mixnet
