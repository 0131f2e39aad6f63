// One run as results have it: `run` and `plan` of a row of a sweep, or of mixnet.compare/1
// (docs/compare.md), read and checked.
//
// Whatever the text holds, a ReportRun that was read is in range: its iteration takes longer than
// 0 s, its speed is one, nothing is negative. Texts (names) may hold anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json_reader.h"
#include "base/units.h"
#include "fabric/fabric_kind.h"
#include "moe/plan.h"

namespace mixnet {

struct ReportRun {
  std::string model;
  FabricKind fabric = FabricKind::kFatTree;
  Bandwidth bandwidth;
  std::int64_t gpus = 0;
  ParallelPlan plan;
  Time iteration;
  Time compute, ep, tp, pp, dp, reconfiguration, bubble;
  Time lost;  ///< zero where nothing failed
  double tokens_per_second = 0;
  std::optional<double> network_cost_usd;
  std::optional<double> performance_per_dollar;  ///< of the network, against the fat-tree's
  // Of the whole cluster; nothing in rows of before these were known.
  std::optional<double> cluster_cost_usd, tokens_per_usd, performance_per_total_dollar;
  /// Of a GPU; nothing in rows of before these were known.
  std::optional<double> tflops_per_gpu, mfu, training_days;
  std::string routing, policy, fidelity;
  std::int64_t seed = 0;
};

/// Both throw Error, with the place, at what is missing or out of range. `plan` becomes the run's.
ReportRun read_report_run(const JsonReader& run, const ParallelPlan& plan);
ParallelPlan read_report_plan(const JsonReader& plan);

}  // namespace mixnet
