#include "moe/gpu_sends.h"

#include "moe/rank_place.h"

namespace mixnet {

GpuSend send_between(const ParallelPlan& plan, std::int64_t from, std::int64_t to, Bytes bytes) {
  const RankPlace here = rank_place(plan, from);
  const RankPlace there = rank_place(plan, to);
  return {static_cast<int>(here.server), here.gpu, static_cast<int>(there.server), there.gpu,
          bytes};
}

std::vector<GpuSend> stage_sends(const ParallelPlan& plan, int from, int to, Bytes bytes) {
  std::vector<GpuSend> sends;
  for (std::int64_t gpu = 0; gpu < plan.stage_gpus(); ++gpu) {
    sends.push_back(
        send_between(plan, from * plan.stage_gpus() + gpu, to * plan.stage_gpus() + gpu, bytes));
  }
  return sends;
}

}  // namespace mixnet
