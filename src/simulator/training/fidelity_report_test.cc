#include "training/fidelity_report.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(FidelityReport, EveryPhaseIsInPacketsReusedOrFluid) {
  FidelityReport report;
  report.error = 0.04;  // of what is fluid
  report.count(100, 2, false);
  report.count(100, 2, false);
  report.count(300, 4, true);
  report.count(0, 8, false);  // nothing was sent
  PhaseTotals totals;
  totals.simulated = 2;
  totals.given_up = 1;
  totals.packet_hops = 120;
  totals.data_packets = 50;
  totals.skipped_packets = 25;
  report.complete(totals);
  EXPECT_EQ(report.phases, 8);
  EXPECT_EQ(report.in_packets, 1);
  EXPECT_EQ(report.reused, 3);
  EXPECT_EQ(report.fluid, 4);
  EXPECT_EQ(report.packet_hops, 120);
  EXPECT_EQ(report.plain_packet_hops, 4 * 100 + 4 * 300);
  EXPECT_DOUBLE_EQ(report.skipped, 0.5);
  EXPECT_DOUBLE_EQ(report.error, 0.04 / 2 + 0.002 / 2);
}

}  // namespace
}  // namespace mixnet
