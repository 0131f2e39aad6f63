// The main job: one model and cluster on several fabrics and link speeds; how long an iteration
// takes, what the network costs, and what a dollar buys.
//
//   performance per network dollar = 1 / (iteration time * network cost)
//   performance per dollar         = 1 / (iteration time * cluster cost)    (cluster_cost.h)
//                      both relative to the fat-tree of the same speed, which is simulated for that
//                      even when it is not asked for
//   tokens per dollar              = tokens in all years / cluster cost: comparable across speeds
//
// Fabrics without a price (has_price()), and speeds without one, have none of it. Fabrics that
// cannot do what is asked for (FabricError) are left out, unless all are.
//
// compare() is deterministic: the same request gives the same result to the byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compare/memory_check.h"
#include "compare/training_figures.h"
#include "fabric/cluster_cost.h"
#include "fabric/cost.h"
#include "hardware/prices.h"
#include "moe/routing.h"
#include "training/training_job.h"

namespace mixnet {

struct ComparisonRequest {
  Model model;
  PlanRequest plan;
  Gpu gpu;
  std::vector<FabricKind> fabrics;
  std::vector<Bandwidth> bandwidths;
  std::string routing = "dynamic";
  std::optional<double> capacity_factor;  ///< RoutingSource::limited(); none: dropless
  std::uint64_t seed = 1;
  IterationOptions iteration;  ///< its recompute is what `memory` leads to
  MemoryRequest memory;
  double compute_scale = 1;
  ServerLink server_link = ServerLink::kOptics;
  PriceList prices;
  int tiers = 3;          ///< of the network that is priced: CostRequest::tiers
  int switch_ports = 32;  ///< CostRequest::switch_ports
  ServerPrice server;     ///< of one server; of no GPU: what server_price() says
  RunningCost running;
  double tokens = 0;    ///< of the whole training, for days and dollars; 0: not asked
  bool advise = false;  ///< whether to find Comparison::advised
};

/// What `request` routes by, of its plan.
RoutingSource routing_of(const ComparisonRequest& request, const ParallelPlan& plan);

struct ComparisonRun {
  FabricKind fabric = FabricKind::kFatTree;
  Bandwidth bandwidth;
  IterationTime time;
  std::optional<Time> without_failures;  ///< where there are failures: the iteration without them
  double tokens_per_second = 0;
  TrainingFigures figures;
  std::optional<double> network_cost_usd;
  std::optional<double> performance_per_dollar_vs_fat_tree;  ///< of the network
  // Of the whole cluster.
  std::optional<ClusterCost> cluster;
  std::optional<double> tokens_per_usd;
  std::optional<double> performance_per_total_dollar_vs_fat_tree;
  std::optional<FidelityReport> packets;      ///< unless the fidelity is fluid, or the fabric ideal
  std::optional<GpuBandwidth> gpu_bandwidth;  ///< where the fabric divides it
};

/// What else there is to know of MixNet, for the advice.
struct MixNetAdvice {
  /// With best_switch_settings(), by bandwidth; empty where these are the ones that were asked for.
  std::vector<ComparisonRun> at_best;
  /// The speed for which this holds: with best settings, training with circuits that are set anew
  /// takes `rewiring_gain` (0.1: 10 %) less time than with such as cannot be, when that takes no
  /// time, and at least 1 % less while it takes up to `rewiring_pays_up_to`.
  Bandwidth bandwidth;
  double rewiring_gain = 0;
  Time rewiring_pays_up_to;
};

/// What was asked for and has no run.
struct LeftOut {
  FabricKind fabric = FabricKind::kFatTree;
  std::optional<Bandwidth> bandwidth;  ///< none: at every speed
  std::string reason;                  ///< a line
};

struct Comparison {
  std::string model;  ///< the model's name
  std::string gpu;    ///< as people write it: Gpu::title
  ParallelPlan plan;
  MemoryReport memory;
  std::string routing;
  std::string policy;    ///< of reconfiguration: "block", "hitless", ...
  std::string ep_split;  ///< "circuits-first" or "balanced"
  std::string fidelity;  ///< "fluid", "packet" or "auto"
  std::uint64_t seed = 1;
  std::vector<std::string> failures;  ///< as they were written
  std::string backup;                 ///< "pool" or "region"
  std::vector<ComparisonRun> runs;    ///< by bandwidth, then in the order of the fabrics asked for
  std::vector<LeftOut> left_out;      ///< fabrics that cannot do it
  std::vector<Bandwidth> unpriced;    ///< speeds that the price list does not have
  double years = 0;                   ///< RunningCost::years
  ServerPrice server;                 ///< of one
  std::optional<MixNetAdvice> mixnet;
};

/// Throws Error on an impossible plan, on one that does not fit into memory, on contradicting
/// options, and when no fabric is left.
Comparison compare(const ComparisonRequest& request);

/// The same without its runs: the plan, and what is asked for.
Comparison comparison_of(const ComparisonRequest& request);

/// `request` with what comparison_of() has found: the recompute that it is simulated with.
ComparisonRequest with_memory(ComparisonRequest request, const Comparison& comparison);

/// Whether one TrainingJob with these options serves every speed of a fabric; else it is made for
/// one speed, FidelityOptions::nic_rate.
bool serves_all_speeds(const IterationOptions& options, FabricKind fabric);

/// What a run, which has its time, costs and what a dollar buys, in its fields for that; nothing
/// where its fabric has no price. `fat_tree` is the iteration of that at its speed; without it
/// nothing is compared with it.
void add_costs(const ComparisonRequest& request, const Comparison& comparison,
               std::optional<Time> fat_tree, ComparisonRun& run);

}  // namespace mixnet
