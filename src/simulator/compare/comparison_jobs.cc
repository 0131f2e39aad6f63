#include "compare/comparison_jobs.h"

#include <algorithm>

namespace mixnet {
namespace {

/// Choices of a gate, ranks times experts, from which on its demand takes longer to make than half
/// a millisecond; and places, of which some kilobytes each are kept.
constexpr std::int64_t kManyChoices = 4096;
constexpr std::int64_t kMostPlaces = 100'000;

bool is_worth_keeping(const Model& model, const ParallelPlan& plan) {
  const std::int64_t places =
      std::int64_t{plan.replicas()} * plan.micro_batches() * moe_layers(model);
  return std::int64_t{plan.ep} * model.placed_experts >= kManyChoices && places <= kMostPlaces;
}

}  // namespace

ComparisonJobs::ComparisonJobs(const ComparisonRequest& request, const ParallelPlan& plan)
    : request_(request), plan_(plan), routing_(routing_of(request, plan)) {
  std::vector<FabricKind> simulated = request.fabrics;
  const bool has_fat_tree = std::ranges::find(simulated, FabricKind::kFatTree) != simulated.end();
  if (std::ranges::any_of(simulated, has_price) && !has_fat_tree) {
    simulated.push_back(FabricKind::kFatTree);
  }
  if (is_worth_keeping(request.model, plan)) demands_ = std::make_unique<DemandCache>();
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
  return group.made.emplace(request_.model, plan_, request_.gpu, routing_, group.fabrics, options,
                            demands_for(group.fabrics, options));
}

DemandCache* ComparisonJobs::demands_for(std::span<const FabricKind> fabrics,
                                         const IterationOptions& options) const {
  const bool is_mixnet = fabrics.size() == 1 && fabrics.front() == FabricKind::kMixNet;
  const bool is_fluid = options.fidelity.fidelity == Fidelity::kFluid;
  return is_mixnet && is_fluid ? demands_.get() : nullptr;
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
  return TrainingJob(request_.model, plan_, request_.gpu, routing_, fabrics, options,
                     demands_for(fabrics, options));
}

}  // namespace mixnet
