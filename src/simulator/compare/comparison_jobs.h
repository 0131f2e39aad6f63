// The training jobs that a comparison runs, each made when it is first asked for: one for all
// fabrics and speeds that it serves (serves_all_speeds()); those fabrics of which the switch's
// delay or a GPU's bandwidth does not scale with the NICs have one of their own for each speed.
//
// Refers to request and plan, which outlive it. Not thread-safe. Cost: making a job is what a
// comparison costs; the rest is microseconds.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "compare/comparison.h"
#include "moe/demand_cache.h"

namespace mixnet {

class ComparisonJobs {
 public:
  /// Of the fabrics asked for, and of the fat-tree where prices are compared with it.
  ComparisonJobs(const ComparisonRequest& request, const ParallelPlan& plan);

  /// One that can simulate this; good until another speed is asked for.
  const TrainingJob& at(FabricKind fabric, Bandwidth bandwidth);
  /// The same without failures, once at() was asked; null where there are none.
  const TrainingJob* well(FabricKind fabric) const;

  /// An iteration on MixNet, without failures, with other options.
  Time mixnet(IterationOptions options, Bandwidth bandwidth) const;

 private:
  struct Group {
    std::vector<FabricKind> fabrics;
    bool scales = false;
    Bandwidth speed;
    std::optional<TrainingJob> made, well;
  };
  const Group& group_of(FabricKind fabric) const;
  DemandCache* demands_for(std::span<const FabricKind> fabrics,
                           const IterationOptions& options) const;
  TrainingJob healthy(IterationOptions options, std::span<const FabricKind> fabrics) const;

  const ComparisonRequest& request_;
  const ParallelPlan& plan_;
  RoutingSource routing_;
  std::array<Group, 2> groups_;  ///< of all speeds, and of one
  /// Of MixNet's jobs; null where demands are quickly made again.
  std::unique_ptr<DemandCache> demands_;
};

}  // namespace mixnet
