#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "compare/comparison_jobs.h"
#include "compare/mixnet_advice.h"
#include "fabric/fabric_error.h"
#include "training/network_checks.h"

namespace mixnet {
namespace {

bool any_has_price(const ComparisonRequest& request) {
  return std::ranges::any_of(request.fabrics, has_price);
}

void check_request(const ComparisonRequest& request) {
  if (request.fabrics.empty()) throw Error("--fabric", "names no fabric", "name at least one");
  if (request.bandwidths.empty()) {
    throw Error("--bandwidth", "names no speed", "give one such as 400Gbps");
  }
  for (const auto& [flag, count, distinct] :
       {std::tuple("--fabric", request.fabrics.size(),
                   std::set(request.fabrics.begin(), request.fabrics.end()).size()),
        std::tuple("--bandwidth", request.bandwidths.size(),
                   std::set(request.bandwidths.begin(), request.bandwidths.end()).size())}) {
    if (count != distinct) throw Error(flag, "names one of them twice", "name each once");
  }
  for (const Bandwidth bandwidth : request.bandwidths) {
    if (bandwidth.bits_per_second < 1'000'000) {
      throw Error("--bandwidth", fmt::format("{} is too slow", to_string(bandwidth)),
                  "give at least 1Mbps");
    }
    for (const FabricKind fabric : request.fabrics) {
      if (!divides_gpu_bandwidth(fabric)) continue;
      (void)divide_gpu_bandwidth(fabric, request.iteration.network.gpu, bandwidth);
    }
  }
  if (!(request.compute_scale > 0 && request.compute_scale <= 1e6)) {
    throw Error("--compute-scale", fmt::format("{} is out of range", request.compute_scale),
                "give a factor above 0, up to 1000000");
  }
}

CostRequest cost_request(const ComparisonRequest& request, const ParallelPlan& plan,
                         FabricKind fabric, Bandwidth bandwidth) {
  const NetworkOptions& network = request.iteration.network;
  CostRequest cost;
  cost.fabric = fabric;
  cost.servers = plan.servers();
  cost.nics_per_server = network.nics_per_server;
  cost.eps_nics = network.nics_per_server - network.optical_degree;
  cost.oversubscription = network.oversubscription;
  cost.bandwidth = bandwidth;
  cost.server_link = request.server_link;
  cost.tiers = request.tiers;
  cost.switch_ports = request.switch_ports;
  return cost;
}

ServerPrice server_of(const ComparisonRequest& request, const ParallelPlan& plan) {
  return request.server.gpu.empty() ? server_price(request.gpu.name, plan.gpus_of_server())
                                    : request.server;
}

}  // namespace

RoutingSource routing_of(const ComparisonRequest& request, const ParallelPlan& plan) {
  const RoutingSource routing =
      RoutingSource::make(request.routing, routing_shape(request.model, plan), request.seed);
  return request.capacity_factor ? routing.limited(*request.capacity_factor) : routing;
}

Comparison comparison_of(const ComparisonRequest& request) {
  check_request(request);
  Comparison comparison;
  comparison.model = request.model.name;
  comparison.gpu = request.gpu.title;
  // Before plans are looked for, which would keep what does not go together.
  check_schedule(request.plan.vpp.value_or(1), request.iteration.schedule);
  refuse_hopeless(request.model, request.plan, request.gpu, request.iteration, request.memory);
  comparison.plan =
      with_micro_batch_that_fits(request.model, make_plan(request.model, request.plan),
                                 request.plan, request.gpu, request.iteration, request.memory);
  comparison.memory = check_memory(request.model, comparison.plan, request.plan, request.gpu,
                                   request.iteration, request.memory);
  comparison.routing = request.routing;
  comparison.policy = to_string(request.iteration.reconfiguration);
  comparison.ep_split = to_string(request.iteration.network.ep_split);
  comparison.fidelity = to_string(request.iteration.fidelity.fidelity);
  comparison.seed = request.seed;
  const FailureOptions& failures = request.iteration.failures;
  for (const Failure& failure : failures.failures) comparison.failures.push_back(failure.text);
  comparison.backup = to_string(failures.backup);
  comparison.years = request.running.years;
  if (any_has_price(request)) {
    comparison.server = server_of(request, comparison.plan);
    std::ranges::copy_if(request.bandwidths, std::back_inserter(comparison.unpriced),
                         [&](Bandwidth speed) { return !request.prices.has(speed); });
  }
  check_failures(request.fabrics, network_in_use(request.iteration.network, comparison.plan),
                 comparison.plan, failures.failures);
  return comparison;
}

ComparisonRequest with_memory(ComparisonRequest request, const Comparison& comparison) {
  request.iteration.recompute = comparison.memory.recompute;
  return request;
}

bool serves_all_speeds(const IterationOptions& options, FabricKind fabric) {
  // The fluid scales with the speed; the delay of a switch and fixed parts of a GPU's bandwidth
  // beside it do not.
  const bool is_switched = fabric == FabricKind::kMixNet || fabric == FabricKind::kMixNetOpticalIo;
  return options.fidelity.fidelity == Fidelity::kFluid &&
         !(is_switched && needs_of(options.reconfiguration).moving) &&
         (!divides_gpu_bandwidth(fabric) || options.network.gpu.scales());
}

void add_costs(const ComparisonRequest& request, const Comparison& comparison,
               std::optional<Time> fat_tree, ComparisonRun& run) {
  if (!has_price(run.fabric) || !request.prices.has(run.bandwidth)) return;
  const ParallelPlan& plan = comparison.plan;
  const auto cost_of = [&](FabricKind fabric) {
    const NetworkCost network =
        network_cost(cost_request(request, plan, fabric, run.bandwidth), request.prices);
    return cluster_cost(plan.servers(), comparison.server, network, part_power(run.bandwidth),
                        request.running);
  };
  run.cluster = cost_of(run.fabric);
  run.network_cost_usd = run.cluster->network_usd;
  add_cost(*run.cluster, request.running.years, run.figures);
  const double total = run.cluster->total_usd();
  if (total > 0) {
    constexpr double kSecondsPerYear = 365.25 * 86'400;
    run.tokens_per_usd = run.tokens_per_second * request.running.years * kSecondsPerYear / total;
  }
  if (!fat_tree) return;
  const ClusterCost tree = cost_of(FabricKind::kFatTree);
  const auto per_dollar = [&](double tree_usd, double usd) -> std::optional<double> {
    if (usd == 0) return std::nullopt;
    return fat_tree->to_seconds() * tree_usd / (run.time.total.to_seconds() * usd);
  };
  run.performance_per_dollar_vs_fat_tree = per_dollar(tree.network_usd, *run.network_cost_usd);
  run.performance_per_total_dollar_vs_fat_tree = per_dollar(tree.total_usd(), total);
}

namespace {

ComparisonRun run_of(const ComparisonRequest& request, const Comparison& comparison,
                     ComparisonJobs& jobs, FabricKind fabric, Bandwidth bandwidth) {
  const TrainingJob& job = jobs.at(fabric, bandwidth);
  ComparisonRun run;
  run.fabric = fabric;
  run.bandwidth = bandwidth;
  run.time = job.simulate(fabric, bandwidth, request.compute_scale);
  if (const TrainingJob* well = jobs.well(fabric)) {
    run.without_failures = well->simulate(fabric, bandwidth, request.compute_scale).total;
  }
  run.tokens_per_second =
      static_cast<double>(comparison.plan.tokens_per_iteration()) / run.time.total.to_seconds();
  run.figures =
      training_figures(request.model, comparison.plan, request.gpu, run.time.total, request.tokens);
  if (request.iteration.fidelity.fidelity != Fidelity::kFluid && fabric != FabricKind::kIdeal) {
    run.packets = job.fidelity(fabric);
  }
  if (divides_gpu_bandwidth(fabric)) {
    run.gpu_bandwidth = divide_gpu_bandwidth(fabric, request.iteration.network.gpu, bandwidth);
  }
  return run;
}

/// The fat-tree's iteration; none where even that never ends.
std::optional<Time> fat_tree_time(const ComparisonRequest& request, ComparisonJobs& jobs,
                                  Bandwidth bandwidth) {
  if (!any_has_price(request) || !request.prices.has(bandwidth)) return std::nullopt;
  try {
    return jobs.at(FabricKind::kFatTree, bandwidth)
        .simulate(FabricKind::kFatTree, bandwidth, request.compute_scale)
        .total;
  } catch (const FabricError&) {
    return std::nullopt;
  }
}

/// With what can be had at some speeds only. Throws FabricError when there is nothing, or when a
/// fabric can be had at none.
Comparison compare_possible(const ComparisonRequest& wanted) {
  Comparison comparison = comparison_of(wanted);
  const ComparisonRequest request = with_memory(wanted, comparison);
  ComparisonJobs jobs(request, comparison.plan);
  std::optional<FabricError> first;
  for (const Bandwidth bandwidth : request.bandwidths) {
    // What making a job throws is of every speed.
    for (const FabricKind fabric : request.fabrics) (void)jobs.at(fabric, bandwidth);
    const std::optional<Time> fat_tree = fat_tree_time(request, jobs, bandwidth);
    for (const FabricKind fabric : request.fabrics) {
      try {
        ComparisonRun run = run_of(request, comparison, jobs, fabric, bandwidth);
        add_costs(request, comparison, fat_tree, run);
        comparison.runs.push_back(run);
      } catch (const FabricError& error) {
        if (!first) first = error;
        comparison.left_out.push_back({fabric, bandwidth, error.what()});
      }
    }
  }
  if (comparison.runs.empty()) throw FabricError(*first);
  const bool has_mixnet = std::ranges::find(comparison.runs, FabricKind::kMixNet,
                                            &ComparisonRun::fabric) != comparison.runs.end();
  const bool fluid = request.iteration.fidelity.fidelity == Fidelity::kFluid;
  if (request.advise && fluid && has_mixnet) {
    comparison.mixnet = mixnet_advice(request, comparison.runs, jobs);
  }
  return comparison;
}

}  // namespace

Comparison compare(const ComparisonRequest& request) {
  ComparisonRequest possible = request;
  std::vector<LeftOut> left_out;
  while (true) {
    try {
      Comparison comparison = compare_possible(possible);
      comparison.left_out.insert(comparison.left_out.begin(), left_out.begin(), left_out.end());
      return comparison;
    } catch (const FabricError& error) {
      // A job is made of all fabrics at once, so one that cannot be is found here; the others begin
      // again.
      if (std::erase(possible.fabrics, error.fabric()) == 0 || possible.fabrics.empty()) throw;
      left_out.push_back({error.fabric(), std::nullopt, error.what()});
    }
  }
}

}  // namespace mixnet
