#include "training/exchange_meter.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "moe/model_catalog.h"
#include "training/job_phases.h"
#include "training/test_plans.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

constexpr FabricKind kMixNet[] = {FabricKind::kMixNet};

/// Of Mixtral 8x22B in regions of eight servers, a stage of one replica.
JobPhases phases_of(Reconfiguration policy, bool is_fp8) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request = request_of(64, 8, 1, 8);
  request.global_batch_size = 16;
  request.micro_batch_size = 1;
  const ParallelPlan plan = make_plan(model, request);
  IterationOptions options;
  best_settings(options);
  options.reconfiguration = policy;
  options.reconfiguration_delay = Time::microseconds(100);  // so that not all waits for light
  options.network.dispatch.is_fp8 = is_fp8;
  return measure_phases(model, plan, routing_of("dynamic", model, plan), kMixNet, options);
}

/// That `narrow` is the share of `wide`, a time that may be nothing.
void expect_share(Time narrow, Time wide, double share) {
  EXPECT_NEAR(narrow.to_seconds(), share * wide.to_seconds(), 1e-9);
}

TEST(ExchangeMeter, ControllersKnowThatDispatchIsNarrow) {
  const double share = dispatch_share({DispatchMode::kCopies, true});
  for (const Reconfiguration policy : {Reconfiguration::kHitless, Reconfiguration::kCopilot}) {
    const JobPhases wide = phases_of(policy, false);
    const JobPhases narrow = phases_of(policy, true);
    const auto& wides = wide.fabrics.front().exchanges;
    const auto& narrows = narrow.fabrics.front().exchanges;
    ASSERT_EQ(narrows.size(), wides.size());
    int moving = 0;
    for (std::size_t i = 0; i < wides.size(); ++i) {
      const ExchangeTimes& a = wides[i];
      const ExchangeTimes& b = narrows[i];
      expect_share(b.dispatch.transfer, a.dispatch.transfer, share);
      expect_share(b.combine.transfer, a.combine.transfer, 1);
      // Forecasts stand for dispatch and combine, one as narrow, one not.
      expect_share(b.expected_predicted.transfer, a.expected_predicted.transfer, (1 + share) / 2);
      expect_share(b.expected_present.transfer, a.expected_present.transfer, (1 + share) / 2);
      if (a.expected == nullptr || a.expected->moving_dispatch == Time::max()) continue;
      expect_share(b.expected->dispatch, a.expected->dispatch, share);
      // What waits for light waits as long.
      EXPECT_LE(b.expected->moving_dispatch, a.expected->moving_dispatch);
      EXPECT_GE(b.expected->moving_dispatch.to_seconds(),
                share * a.expected->moving_dispatch.to_seconds() - 1e-9);
      moving += b.expected->moving_dispatch < a.expected->moving_dispatch ? 1 : 0;
    }
    if (policy == Reconfiguration::kHitless) {
      EXPECT_GT(moving, 0);
    }
  }
}

TEST(ExchangeMeter, JobsThatShareDemandsAreAsJobsAlone) {
  const Model model = find_model("olmoe-1b-7b");
  const ParallelPlan plan = default_plan(model, 128);
  const RoutingSource routing = routing_of("dynamic", model, plan);
  const auto fabrics = std::array{FabricKind::kMixNet};
  DemandCache cache;
  for (const int gbps : {100, 400}) {
    IterationOptions options;
    best_settings(options);
    options.fidelity.nic_rate = Bandwidth::gbps(gbps);
    const auto total = [&](DemandCache* demands) {
      return TrainingJob(model, plan, find_gpu("h100"), routing, fabrics, options, demands)
          .simulate(FabricKind::kMixNet, Bandwidth::gbps(gbps))
          .total;
    };
    EXPECT_EQ(total(&cache), total(nullptr));
    EXPECT_NE(cache.find({}), nullptr);
  }
}

}  // namespace
}  // namespace mixnet
