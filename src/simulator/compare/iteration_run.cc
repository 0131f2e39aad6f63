#include "compare/iteration_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "moe/stage_layers.h"

namespace mixnet {
namespace {

constexpr std::int64_t kSpansOfPass = 17;  // of a layer, one way, with shared experts
constexpr std::int64_t kSpansOfWork = 3;   // micro-batch, head, send

void check_alone(const ComparisonRequest& request) {
  if (request.fabrics.size() != 1) {
    throw Error("--fabric", fmt::format("names {} fabrics", request.fabrics.size()),
                "give the one to simulate; mixnet compare takes several");
  }
  if (request.bandwidths.size() != 1) {
    throw Error("--bandwidth", fmt::format("names {} speeds", request.bandwidths.size()),
                "give the one to simulate; mixnet compare takes several");
  }
}

}  // namespace

IterationRun run_iteration(const ComparisonRequest& wanted, const TimelineOptions& timeline) {
  check_alone(wanted);
  IterationRun result;
  result.comparison = comparison_of(wanted);
  const ComparisonRequest request = with_memory(wanted, result.comparison);
  const ParallelPlan& plan = result.comparison.plan;
  const FabricKind fabric = request.fabrics.front();
  const Bandwidth bandwidth = request.bandwidths.front();

  const RoutingSource routing = routing_of(request, plan);
  IterationOptions options = request.iteration;
  if (!serves_all_speeds(options, fabric)) options.fidelity.nic_rate = bandwidth;
  const TrainingJob job(request.model, plan, request.gpu, routing, std::array{fabric}, options);
  result.timeline = job.record(fabric, bandwidth, timeline, request.compute_scale);

  ComparisonRun& run = result.comparison.runs.emplace_back();
  run.fabric = fabric;
  run.bandwidth = bandwidth;
  run.time = result.timeline.time;
  run.tokens_per_second =
      static_cast<double>(plan.tokens_per_iteration()) / run.time.total.to_seconds();
  run.figures = training_figures(request.model, plan, request.gpu, run.time.total, request.tokens);
  add_costs(request, result.comparison, std::nullopt, run);
  if (options.fidelity.fidelity != Fidelity::kFluid && fabric != FabricKind::kIdeal) {
    run.packets = job.fidelity(fabric);
  }
  if (divides_gpu_bandwidth(fabric)) {
    run.gpu_bandwidth = divide_gpu_bandwidth(fabric, options.network.gpu, bandwidth);
  }
  if (!options.failures.failures.empty()) {
    options.failures = {};
    run.without_failures =
        TrainingJob(request.model, plan, request.gpu, routing, std::array{fabric}, options)
            .simulate(fabric, bandwidth, request.compute_scale)
            .total;
  }
  return result;
}

std::int64_t spans_of_region(const Model& model, const ParallelPlan& plan) {
  int layers = 0;  // of the stage that has the most
  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto [first, end] = stage_layers(model, plan, stage);
    layers = std::max(layers, end - first);
  }
  return 2 * std::int64_t{plan.micro_batches()} * (layers * kSpansOfPass + plan.vpp * kSpansOfWork);
}

std::string title_of(const ComparisonRequest& request) {
  return fmt::format("{} on {}, {} a NIC",
                     request.model.title.empty() ? request.model.name : request.model.title,
                     to_string(request.fabrics.front()), to_string(request.bandwidths.front()));
}

}  // namespace mixnet
