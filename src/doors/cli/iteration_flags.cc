#include "cli/iteration_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "graphs/iteration_graph.h"
#include "moe/model_catalog.h"

namespace mixnet::cli {
namespace {

/// The model's first layers alone.
void cut(Model& model, int layers) {
  if (layers < 1 || layers > model.layers) {
    throw Error("--layers", fmt::format("{} is out of range", layers),
                fmt::format("give 1 to {}, the layers of {}", model.layers, model.name));
  }
  model.layers = layers;
  model.is_moe.resize(static_cast<std::size_t>(layers));
  if (std::ranges::find(model.is_moe, true) != model.is_moe.end()) return;
  throw Error("--layers", fmt::format("{} leave {} no layer with experts", layers, model.name),
              "give more");
}

}  // namespace

TaskGraph IterationFlags::graph(const std::string& gpu) const {
  ComparisonRequest request;
  request.model = find_model(model);
  if (plan.mtp.value_or(0) > 0) {
    throw Error("--mtp", "is not in task graphs and traces yet", "leave it out, or use compare");
  }
  if (layers) cut(request.model, *layers);
  request.gpu = find_gpu(gpu);
  request.plan = plan.request(8);
  simulation.apply(request);
  const ParallelPlan the_plan = make_plan(request.model, request.plan);
  const RoutingSource routing =
      RoutingSource::make(request.routing, routing_shape(request.model, the_plan), request.seed);
  if (!(request.compute_scale > 0 && request.compute_scale <= 1e6)) {
    throw Error("--compute-scale", fmt::format("{} is out of range", request.compute_scale),
                "give more than 0 and at most 1e6");
  }
  return iteration_graph(request.model, the_plan, request.gpu, routing, request.iteration,
                         request.compute_scale);
}

void add_iteration_flags(CLI::App& command, IterationFlags& flags) {
  const std::string group = "Simulated iteration (with --model)";
  command
      .add_option("--model", flags.model,
                  "In place of GRAPH: an iteration of this preset ('mixnet models') or\n"
                  "HuggingFace config.json")
      ->group(group);
  command.add_option("--layers", flags.layers, "The model's first layers alone")->group(group);
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str()->group(group);
  };
  SimulationFlags& simulation = flags.simulation;
  add("--compute-scale", simulation.compute_scale, "Factor on all compute times");
  add("--precision", simulation.precision, "Of the matrix products: bf16 or fp8");
  command
      .add_option("--profile", simulation.profile, "Measured times: JSON or CSV (docs/compute.md)")
      ->group(group);
  add("--schedule", simulation.schedule, "Pipeline: 1f1b, or eager-1f1b");
  add("--dp-overlap", simulation.dp_overlap,
      "Sum gradients beneath the last micro-batch's backward: on or off");
  add("--tp-collective", simulation.tp_collective,
      "reduce-scatter (with all-gather: sequence parallel) or all-reduce");
  add("--gradient-bytes", simulation.gradient_bytes, "Bytes of a gradient: 2 or 4");
  add_parallel_plan_flags(command, flags.plan);
}

}  // namespace mixnet::cli
