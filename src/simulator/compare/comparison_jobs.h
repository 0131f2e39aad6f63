// The training jobs that a comparison runs, each made when it is first asked for: one for all
// speeds where that serves (serves_all_speeds()), else one a speed.
//
// Refers to request and plan, which outlive it. Not thread-safe. Cost: making a job is what a
// comparison costs; the rest is microseconds.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compare/comparison.h"

namespace mixnet {

class ComparisonJobs {
 public:
  /// Of the fabrics asked for, and of the fat-tree where prices are compared with it.
  ComparisonJobs(const ComparisonRequest& request, const ParallelPlan& plan);

  /// Good until another speed is asked for.
  const TrainingJob& at(Bandwidth bandwidth);
  /// The one of at() without failures; null where there are none.
  const TrainingJob* well() const { return well_ ? &*well_ : nullptr; }

  /// An iteration on MixNet, without failures, with other options.
  Time mixnet(IterationOptions options, Bandwidth bandwidth) const;

 private:
  TrainingJob healthy(IterationOptions options, std::span<const FabricKind> fabrics) const;

  const ComparisonRequest& request_;
  const ParallelPlan& plan_;
  std::vector<FabricKind> simulated_;
  RoutingSource routing_;
  Bandwidth speed_;
  std::optional<TrainingJob> made_, well_;
};

}  // namespace mixnet
