#include "compare/mixnet_advice.h"

#include <gtest/gtest.h>

#include "hardware/gpu.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// Two layers of Mixtral 8x22B on 128 GPUs, with advice.
ComparisonRequest request_of(std::string routing) {
  ComparisonRequest request;
  request.model = find_model("mixtral-8x22b");
  request.model.layers = 2;
  request.model.is_moe.assign(2, true);
  request.plan.gpus = 128;
  request.plan.pp = 1;
  request.gpu = find_gpu("h100");
  request.routing = std::move(routing);
  request.fabrics = {FabricKind::kMixNet};
  request.bandwidths = {Bandwidth::gbps(100)};
  request.prices = PriceList::load();
  request.advise = true;
  return request;
}

TEST(MixNetAdvice, SaysWhatTheBestSettingsGiveWhereOthersWereAskedFor) {
  // Of the switch: tokens go in copies, as they were asked to on all fabrics.
  ComparisonRequest request = request_of("dynamic");
  const Comparison paper = compare(request);
  best_switch_settings(request.iteration);
  ASSERT_EQ(request.iteration.network.dispatch.mode, DispatchMode::kCopies);
  const Comparison best = compare(request);
  ASSERT_EQ(paper.mixnet->at_best.size(), 1u);
  EXPECT_EQ(paper.mixnet->at_best[0].time.total, best.runs[0].time.total);
  EXPECT_LT(best.runs[0].time.total, paper.runs[0].time.total);
  EXPECT_NEAR(*paper.mixnet->at_best[0].tokens_per_usd, *best.runs[0].tokens_per_usd,
              1e-9 * *best.runs[0].tokens_per_usd);
  EXPECT_TRUE(best.mixnet->at_best.empty());
}

// Where every all-to-all is alike there is nothing to set anew.
TEST(MixNetAdvice, RewiringIsWorthNothingWhereAllDemandsAreAlike) {
  const Comparison comparison = compare(request_of("uniform"));
  EXPECT_NEAR(comparison.mixnet->rewiring_gain, 0, 1e-3);
  EXPECT_EQ(comparison.mixnet->rewiring_pays_up_to, Time::zero());
}

// The time up to which it pays is where the iteration says so.
TEST(MixNetAdvice, RewiringPaysUpToTheTimeThatIsSaid) {
  ComparisonRequest request = request_of("dynamic");
  best_switch_settings(request.iteration);
  const MixNetAdvice advice = *compare(request).mixnet;
  const auto time_with = [&](Time delay) {
    request.advise = false;
    request.iteration.reconfiguration_delay = delay;
    return compare(request).runs[0].time.total.to_seconds();
  };
  const double never = time_with(Time::seconds(600));
  EXPECT_NEAR(advice.rewiring_gain, 1 - time_with(Time::microseconds(1)) / never, 1e-9);
  if (advice.rewiring_pays_up_to == Time::zero()) {
    EXPECT_LT(advice.rewiring_gain, 0.01);
  } else {
    EXPECT_LT(time_with(advice.rewiring_pays_up_to), 0.99 * never);
    EXPECT_GE(time_with(advice.rewiring_pays_up_to * 2), 0.99 * never);
  }
  // What the NICs take to come up counts as the switch's own time does.
  request.iteration.nic_up = Time::milliseconds(30);
  const double split = time_with(Time::milliseconds(20));
  request.iteration.nic_up = Time::zero();
  EXPECT_EQ(split, time_with(Time::milliseconds(50)));
}

}  // namespace
}  // namespace mixnet
