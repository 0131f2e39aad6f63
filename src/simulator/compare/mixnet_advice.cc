#include "compare/mixnet_advice.h"

#include <cmath>

namespace mixnet {
namespace {

bool has_best_settings(const IterationOptions& options) {
  IterationOptions best = options;
  best_switch_settings(best);
  return options.reconfiguration == best.reconfiguration &&
         options.network.allocator == best.network.allocator &&
         options.network.ep_split == best.network.ep_split;
}

/// From which time to switch on setting circuits anew gains less than 1 % (MixNetAdvice).
void find_rewiring(const ComparisonJobs& jobs, IterationOptions options, MixNetAdvice& advice) {
  const auto time_with = [&](Time delay) {
    options.reconfiguration_delay = delay;
    options.nic_up = Time::zero();
    return jobs.mixnet(options, advice.bandwidth).to_seconds();
  };
  constexpr Time kNever = Time::seconds(600);
  constexpr double kPays = 0.99;
  const double never = time_with(kNever);
  double pays = 1e-6;  // seconds
  double idle = 60;
  advice.rewiring_gain = 1 - time_with(Time::from_seconds(pays)) / never;
  if (advice.rewiring_gain < 1 - kPays) return;
  while (idle > 1.6 * pays) {
    const double middle = std::sqrt(pays * idle);
    (time_with(Time::from_seconds(middle)) < kPays * never ? pays : idle) = middle;
  }
  advice.rewiring_pays_up_to = Time::from_seconds(pays);
}

}  // namespace

MixNetAdvice mixnet_advice(const ComparisonRequest& request, std::span<const ComparisonRun> runs,
                           const ComparisonJobs& jobs) {
  MixNetAdvice advice;
  IterationOptions options = request.iteration;
  best_switch_settings(options);  // tokens go as they do on the other fabrics
  const ComparisonRun* best = nullptr;
  for (const ComparisonRun& run : runs) {
    if (run.fabric != FabricKind::kMixNet) continue;
    if (best == nullptr || run.tokens_per_usd.value_or(0) > best->tokens_per_usd.value_or(0)) {
      best = &run;
    }
    if (has_best_settings(request.iteration) || !request.iteration.failures.failures.empty()) {
      continue;
    }
    ComparisonRun better = run;
    better.time = {};
    better.time.total = jobs.mixnet(options, run.bandwidth);
    const double faster = run.time.total.to_seconds() / better.time.total.to_seconds();
    better.tokens_per_second *= faster;
    for (std::optional<double>* value :
         {&better.tokens_per_usd, &better.performance_per_dollar_vs_fat_tree,
          &better.performance_per_total_dollar_vs_fat_tree}) {
      if (*value) **value *= faster;
    }
    advice.at_best.push_back(better);
  }
  advice.bandwidth = best->bandwidth;
  find_rewiring(jobs, options, advice);
  return advice;
}

}  // namespace mixnet
