#include "report/report_axis.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

using Numbers = std::vector<double>;

TEST(ReportAxis, QuantitiesAreNumbersInOneUnit) {
  const auto speeds = axis_scale({"bandwidth", {"100Gbps", "1.6Tbps"}});
  ASSERT_TRUE(speeds);
  EXPECT_EQ(speeds->unit, "Gb/s");
  EXPECT_EQ(speeds->numbers, (Numbers{100, 1600}));
  const auto times = axis_scale({"reconfiguration-delay", {"25ms", "10us"}});
  ASSERT_TRUE(times);
  EXPECT_EQ(times->unit, "s");
  EXPECT_EQ(times->numbers, (Numbers{0.025, 1e-5}));
  const auto sizes = axis_scale({"mtu", {"4kB", "1MB"}});
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->unit, "B");
  const auto counts = axis_scale({"degree", {"6", "4", "0.5"}});
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->unit, "");
  EXPECT_EQ(counts->numbers, (Numbers{6, 4, 0.5}));
}

TEST(ReportAxis, WhatIsNoQuantityHasNoScale) {
  EXPECT_FALSE(axis_scale({"fabric", {"fat-tree", "mixnet"}}));
  EXPECT_FALSE(axis_scale({"degree", {"6"}}));
  EXPECT_FALSE(axis_scale({"degree", {"6", std::nullopt}}));
  EXPECT_FALSE(axis_scale({"mixed", {"6", "6ms"}}));
  EXPECT_FALSE(axis_scale({"mixed", {"1Gbps", "6ms"}}));
  EXPECT_FALSE(axis_scale({"odd", {"nan", "inf"}}));
}

}  // namespace
}  // namespace mixnet
