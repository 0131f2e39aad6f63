#include "compare/comparison_jobs.h"

#include <algorithm>

namespace mixnet {

ComparisonJobs::ComparisonJobs(const ComparisonRequest& request, const ParallelPlan& plan)
    : request_(request), plan_(plan), routing_(routing_of(request, plan)) {
  std::vector<FabricKind> simulated = request.fabrics;
  const bool has_fat_tree = std::ranges::find(simulated, FabricKind::kFatTree) != simulated.end();
  if (std::ranges::any_of(simulated, has_price) && !has_fat_tree) {
    simulated.push_back(FabricKind::kFatTree);
  }
  groups_[0].scales = true;
  for (const FabricKind fabric : simulated) {
    groups_[serves_all_speeds(request.iteration, fabric) ? 0 : 1].fabrics.push_back(fabric);
  }
}

const ComparisonJobs::Group& ComparisonJobs::group_of(FabricKind fabric) const {
  const auto& first = groups_[0].fabrics;
  return groups_[std::ranges::find(first, fabric) != first.end() ? 0 : 1];
}

const TrainingJob& ComparisonJobs::at(FabricKind fabric, Bandwidth bandwidth) {
  Group& group = groups_[&group_of(fabric) - groups_.data()];
  if (group.made && (group.scales || group.speed == bandwidth)) return *group.made;
  group.speed = bandwidth;
  IterationOptions options = request_.iteration;
  if (!group.scales) options.fidelity.nic_rate = bandwidth;
  if (!options.failures.failures.empty()) group.well.emplace(healthy(options, group.fabrics));
  return group.made.emplace(request_.model, plan_, request_.gpu, routing_, group.fabrics, options);
}

const TrainingJob* ComparisonJobs::well(FabricKind fabric) const {
  const Group& group = group_of(fabric);
  return group.well ? &*group.well : nullptr;
}

Time ComparisonJobs::mixnet(IterationOptions options, Bandwidth bandwidth) const {
  if (!serves_all_speeds(options, FabricKind::kMixNet)) options.fidelity.nic_rate = bandwidth;
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
