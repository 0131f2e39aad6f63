#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "compare/comparison_jobs.h"
#include "compare/mixnet_advice.h"
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
    if (any_has_price(request)) (void)request.prices.at(bandwidth);
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
  return request.server.gpu.empty() ? server_price(request.gpu.name, plan.gpus_per_server)
                                    : request.server;
}

}  // namespace

Comparison comparison_of(const ComparisonRequest& request) {
  check_request(request);
  Comparison comparison;
  comparison.model = request.model.name;
  comparison.gpu = request.gpu.title;
  comparison.plan = make_plan(request.model, request.plan);
  comparison.routing = request.routing;
  comparison.policy = to_string(request.iteration.reconfiguration);
  comparison.ep_split = to_string(request.iteration.network.ep_split);
  comparison.fidelity = to_string(request.iteration.fidelity.fidelity);
  comparison.seed = request.seed;
  const FailureOptions& failures = request.iteration.failures;
  for (const Failure& failure : failures.failures) comparison.failures.push_back(failure.text);
  comparison.backup = to_string(failures.backup);
  comparison.years = request.running.years;
  if (any_has_price(request)) comparison.server = server_of(request, comparison.plan);
  check_failures(request.fabrics, request.iteration.network, comparison.plan, failures.failures);
  return comparison;
}

bool serves_all_speeds(const IterationOptions& options) {
  // The fluid scales with the speed; the delay of a switch and fixed parts of a GPU's bandwidth
  // beside it do not.
  return options.fidelity.fidelity == Fidelity::kFluid &&
         !needs_of(options.reconfiguration).moving && options.network.gpu.scales();
}

void add_costs(const ComparisonRequest& request, const Comparison& comparison,
               std::optional<Time> fat_tree, ComparisonRun& run) {
  if (!has_price(run.fabric)) return;
  const ParallelPlan& plan = comparison.plan;
  const auto cost_of = [&](FabricKind fabric) {
    const NetworkCost network =
        network_cost(cost_request(request, plan, fabric, run.bandwidth), request.prices);
    return cluster_cost(plan.servers(), comparison.server, network, part_power(run.bandwidth),
                        request.running);
  };
  run.cluster = cost_of(run.fabric);
  run.network_cost_usd = run.cluster->network_usd;
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

Comparison compare(const ComparisonRequest& request) {
  Comparison comparison = comparison_of(request);
  ComparisonJobs jobs(request, comparison.plan);
  const bool fluid = request.iteration.fidelity.fidelity == Fidelity::kFluid;
  const auto tokens = static_cast<double>(comparison.plan.tokens_per_iteration());
  for (const Bandwidth bandwidth : request.bandwidths) {
    const TrainingJob& job = jobs.at(bandwidth);
    std::optional<Time> fat_tree;
    if (any_has_price(request)) {
      fat_tree = job.simulate(FabricKind::kFatTree, bandwidth, request.compute_scale).total;
    }
    for (const FabricKind fabric : request.fabrics) {
      ComparisonRun run;
      run.fabric = fabric;
      run.bandwidth = bandwidth;
      run.time = job.simulate(fabric, bandwidth, request.compute_scale);
      if (jobs.well() != nullptr) {
        run.without_failures =
            jobs.well()->simulate(fabric, bandwidth, request.compute_scale).total;
      }
      run.tokens_per_second = tokens / run.time.total.to_seconds();
      if (!fluid && fabric != FabricKind::kIdeal) run.packets = job.fidelity(fabric);
      if (divides_gpu_bandwidth(fabric)) {
        run.gpu_bandwidth = divide_gpu_bandwidth(fabric, request.iteration.network.gpu, bandwidth);
      }
      add_costs(request, comparison, fat_tree, run);
      comparison.runs.push_back(run);
    }
  }
  const bool has_mixnet =
      std::ranges::find(request.fabrics, FabricKind::kMixNet) != request.fabrics.end();
  if (request.advise && fluid && has_mixnet) {
    comparison.mixnet = mixnet_advice(request, comparison.runs, jobs);
  }
  return comparison;
}

}  // namespace mixnet
