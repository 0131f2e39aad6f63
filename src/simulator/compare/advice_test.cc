#include "compare/advice.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(Advice, NamesTheBestBuyAndTheFastest) {
  Comparison comparison;
  const auto add = [&](FabricKind fabric, double seconds, double usd, double per_dollar) {
    ComparisonRun run;
    run.fabric = fabric;
    run.bandwidth = Bandwidth::gbps(400);
    run.time.total = Time::from_seconds(seconds);
    if (usd > 0) run.network_cost_usd = usd, run.performance_per_dollar_vs_fat_tree = per_dollar;
    comparison.runs.push_back(run);
  };
  add(FabricKind::kFatTree, 10, 10e6, 1);
  add(FabricKind::kMixNet, 12.5, 4e6, 2);
  add(FabricKind::kIdeal, 5, 0, 0);
  EXPECT_EQ(advice(comparison),
            "At 400 Gb/s: take mixnet (2.00x the performance per dollar of fat-tree, 4.00 M$), or "
            "fat-tree for 20.0 % less time at 10.00 M$.");

  // As fast as makes no difference, and cheaper: there is nothing else to take.
  comparison.runs[1].time.total = Time::from_seconds(10.01);
  EXPECT_EQ(advice(comparison),
            "At 400 Gb/s: take mixnet (2.00x the performance per dollar of fat-tree, 4.00 M$, and "
            "as fast as any).");
  comparison.runs.erase(comparison.runs.begin() + 1);
  EXPECT_EQ(advice(comparison), "");
}

}  // namespace
}  // namespace mixnet
