// How the main job's time grows with the cluster: Mixtral 8x7B on fat-tree and MixNet at 400 Gb/s,
// every layer, micro-batch and replica with a demand of its own, from 1,024 to 32,768 GPUs. The
// last column, time per GPU, must not grow.
#include <benchmark/benchmark.h>

#include "moe/model_catalog.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

void compare_two_fabrics(benchmark::State& state) {
  const Model model = find_model("mixtral-8x7b");
  const Gpu gpu = find_gpu("h100");
  PlanRequest request;
  request.gpus = state.range(0);
  const ParallelPlan plan = make_plan(model, request);
  const FabricKind fabrics[] = {FabricKind::kFatTree, FabricKind::kMixNet};
  for (auto _ : state) {
    const RoutingSource routing = RoutingSource::make("dynamic", routing_shape(model, plan), 1);
    const TrainingJob job(model, plan, gpu, routing, fabrics, {});
    for (const FabricKind fabric : fabrics) {
      benchmark::DoNotOptimize(job.simulate(fabric, Bandwidth::gbps(400)));
    }
  }
  state.counters["per_gpu"] = benchmark::Counter(
      static_cast<double>(state.range(0)),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(compare_two_fabrics)
    ->Arg(1024)
    ->Arg(4096)
    ->Arg(16384)
    ->Arg(32768)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
