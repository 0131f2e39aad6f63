#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
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
  return cost;
}

}  // namespace

Comparison comparison_of(const ComparisonRequest& request) {
  check_request(request);
  Comparison comparison;
  comparison.model = request.model.name;
  comparison.plan = make_plan(request.model, request.plan);
  comparison.routing = request.routing;
  comparison.policy = to_string(request.iteration.reconfiguration);
  comparison.ep_split = to_string(request.iteration.network.ep_split);
  comparison.fidelity = to_string(request.iteration.fidelity.fidelity);
  comparison.seed = request.seed;
  const FailureOptions& failures = request.iteration.failures;
  for (const Failure& failure : failures.failures) comparison.failures.push_back(failure.text);
  comparison.backup = to_string(failures.backup);
  check_failures(request.fabrics, request.iteration.network, comparison.plan, failures.failures);
  return comparison;
}

bool serves_all_speeds(const IterationOptions& options) {
  // The fluid scales with the speed; the delay of a switch and fixed parts of a GPU's bandwidth
  // beside it do not.
  return options.fidelity.fidelity == Fidelity::kFluid &&
         !needs_of(options.reconfiguration).moving && options.network.gpu.scales();
}

std::optional<double> network_cost_usd(const ComparisonRequest& request, const ParallelPlan& plan,
                                       FabricKind fabric, Bandwidth bandwidth) {
  if (!has_price(fabric)) return std::nullopt;
  return network_cost(cost_request(request, plan, fabric, bandwidth), request.prices).total_usd();
}

Comparison compare(const ComparisonRequest& request) {
  Comparison comparison = comparison_of(request);
  const FailureOptions& failures = request.iteration.failures;
  std::vector<FabricKind> simulated = request.fabrics;
  const bool priced = any_has_price(request);
  if (priced && std::ranges::find(simulated, FabricKind::kFatTree) == simulated.end()) {
    simulated.push_back(FabricKind::kFatTree);
  }
  const RoutingSource routing = RoutingSource::make(
      request.routing, routing_shape(request.model, comparison.plan), request.seed);
  const bool fluid = request.iteration.fidelity.fidelity == Fidelity::kFluid;
  std::optional<TrainingJob> made;
  std::optional<TrainingJob> well;  // the same without failures, where there are any
  const bool scales = serves_all_speeds(request.iteration);
  const auto job_at = [&](Bandwidth bandwidth) -> const TrainingJob& {
    if (made && scales) return *made;
    IterationOptions options = request.iteration;
    if (!scales) options.fidelity.nic_rate = bandwidth;
    if (!failures.failures.empty()) {
      IterationOptions healthy = options;
      healthy.failures = {};
      well.emplace(request.model, comparison.plan, request.gpu, routing, request.fabrics, healthy);
    }
    return made.emplace(request.model, comparison.plan, request.gpu, routing, simulated, options);
  };

  const auto tokens = static_cast<double>(comparison.plan.tokens_per_iteration());
  for (const Bandwidth bandwidth : request.bandwidths) {
    const TrainingJob& job = job_at(bandwidth);
    const auto cost = [&](FabricKind fabric) {
      return network_cost_usd(request, comparison.plan, fabric, bandwidth);
    };
    const double fat_tree =
        priced ? job.simulate(FabricKind::kFatTree, bandwidth, request.compute_scale)
                         .total.to_seconds() *
                     *cost(FabricKind::kFatTree)
               : 0;
    for (const FabricKind fabric : request.fabrics) {
      ComparisonRun run;
      run.fabric = fabric;
      run.bandwidth = bandwidth;
      run.time = job.simulate(fabric, bandwidth, request.compute_scale);
      if (well) {
        run.without_failures = well->simulate(fabric, bandwidth, request.compute_scale).total;
      }
      run.tokens_per_second = tokens / run.time.total.to_seconds();
      if (!fluid && fabric != FabricKind::kIdeal) run.packets = job.fidelity(fabric);
      if (divides_gpu_bandwidth(fabric)) {
        run.gpu_bandwidth = divide_gpu_bandwidth(fabric, request.iteration.network.gpu, bandwidth);
      }
      run.network_cost_usd = cost(fabric);
      if (run.network_cost_usd.value_or(0) > 0) {
        run.performance_per_dollar_vs_fat_tree =
            fat_tree / (run.time.total.to_seconds() * *run.network_cost_usd);
      }
      comparison.runs.push_back(run);
    }
  }
  return comparison;
}

}  // namespace mixnet
