#include "compare/comparison_jobs.h"

#include <algorithm>

namespace mixnet {

ComparisonJobs::ComparisonJobs(const ComparisonRequest& request, const ParallelPlan& plan)
    : request_(request),
      plan_(plan),
      simulated_(request.fabrics),
      routing_(routing_of(request, plan)) {
  const bool has_fat_tree = std::ranges::find(simulated_, FabricKind::kFatTree) != simulated_.end();
  if (std::ranges::any_of(simulated_, has_price) && !has_fat_tree) {
    simulated_.push_back(FabricKind::kFatTree);
  }
}

const TrainingJob& ComparisonJobs::at(Bandwidth bandwidth) {
  const bool scales = serves_all_speeds(request_.iteration);
  if (made_ && (scales || speed_ == bandwidth)) return *made_;
  speed_ = bandwidth;
  IterationOptions options = request_.iteration;
  if (!scales) options.fidelity.nic_rate = bandwidth;
  if (!options.failures.failures.empty()) well_.emplace(healthy(options, request_.fabrics));
  return made_.emplace(request_.model, plan_, request_.gpu, routing_, simulated_, options);
}

Time ComparisonJobs::mixnet(IterationOptions options, Bandwidth bandwidth) const {
  if (!serves_all_speeds(options)) options.fidelity.nic_rate = bandwidth;
  const FabricKind fabric[] = {FabricKind::kMixNet};
  return healthy(options, fabric)
      .simulate(FabricKind::kMixNet, bandwidth, request_.compute_scale)
      .total;
}

TrainingJob ComparisonJobs::healthy(IterationOptions options,
                                    std::span<const FabricKind> fabrics) const {
  options.failures = {};
  return TrainingJob(request_.model, plan_, request_.gpu, routing_, fabrics, options);
}

}  // namespace mixnet
