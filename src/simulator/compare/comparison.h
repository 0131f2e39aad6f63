// The main job: one model and cluster on several fabrics and link speeds; how long an iteration
// takes, what the network costs, and what a dollar buys.
//
//   performance per dollar = 1 / (iteration time * network cost), given relative to the fat-tree of
//   the same speed (which is simulated for that even when it is not asked for). Fabrics without a
//   price (has_price()) have none of it.
//
// compare() is deterministic: the same request gives the same result to the byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/cost.h"
#include "hardware/prices.h"
#include "training/training_job.h"

namespace mixnet {

struct ComparisonRequest {
  Model model;
  PlanRequest plan;
  Gpu gpu;
  std::vector<FabricKind> fabrics;
  std::vector<Bandwidth> bandwidths;
  std::string routing = "dynamic";
  std::uint64_t seed = 1;
  IterationOptions iteration;
  double compute_scale = 1;
  ServerLink server_link = ServerLink::kOptics;
  PriceList prices;
};

struct ComparisonRun {
  FabricKind fabric = FabricKind::kFatTree;
  Bandwidth bandwidth;
  IterationTime time;
  std::optional<Time> without_failures;  ///< where there are failures: the iteration without them
  double tokens_per_second = 0;
  std::optional<double> network_cost_usd;
  std::optional<double> performance_per_dollar_vs_fat_tree;
  std::optional<FidelityReport> packets;      ///< unless the fidelity is fluid, or the fabric ideal
  std::optional<GpuBandwidth> gpu_bandwidth;  ///< where the fabric divides it
};

struct Comparison {
  std::string model;  ///< the model's name
  ParallelPlan plan;
  std::string routing;
  std::string policy;    ///< of reconfiguration: "block", "hitless", ...
  std::string ep_split;  ///< "circuits-first" or "balanced"
  std::string fidelity;  ///< "fluid", "packet" or "auto"
  std::uint64_t seed = 1;
  std::vector<std::string> failures;  ///< as they were written
  std::string backup;                 ///< "pool" or "region"
  std::vector<ComparisonRun> runs;    ///< by bandwidth, then in the order of the fabrics asked for
};

/// Throws Error on an impossible plan, contradicting options, or a speed that has no price.
Comparison compare(const ComparisonRequest& request);

/// The same without its runs: the plan, and what is asked for.
Comparison comparison_of(const ComparisonRequest& request);

/// Whether one TrainingJob with these options serves every speed; else it is made for one speed,
/// FidelityOptions::nic_rate.
bool serves_all_speeds(const IterationOptions& options);

/// The network of one of its fabrics at one of its speeds; nothing where that has no price.
std::optional<double> network_cost_usd(const ComparisonRequest& request, const ParallelPlan& plan,
                                       FabricKind fabric, Bandwidth bandwidth);

}  // namespace mixnet
