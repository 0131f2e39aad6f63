#include "region_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_page_region.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RegionView, CircuitsBelongToTheTenantOfTheirServers) {
  RegionState state = test_region(4);  // tenant 3 on servers 0 and 1, lit 0-2
  EXPECT_THAT(lit_circuits(state, 3), ElementsAre(PortPair{0, 2}));
  EXPECT_THAT(lit_circuits(state, 0), IsEmpty());
}

TEST(RegionView, ServedIsTheShareOfBytesBetweenPairsWithACircuit) {
  RegionState state = test_region(4);
  Slice& slice = *state.find(3);
  EXPECT_EQ(served_by_circuits(state, slice), std::nullopt);  // nothing was reported
  slice.servers = {0, 1, 2};
  slice.demand = ServerDemand(3, 3);
  EXPECT_EQ(served_by_circuits(state, slice), std::nullopt);  // no bytes
  slice.demand(0, 1) = 60;
  slice.demand(1, 0) = 15;
  slice.demand(2, 0) = 25;
  slice.demand(1, 1) = 1'000;  // inside a server: does not count
  EXPECT_DOUBLE_EQ(served_by_circuits(state, slice).value(), 0.75);
  state.lit[0] = state.lit[2] = -1;
  EXPECT_DOUBLE_EQ(served_by_circuits(state, slice).value(), 0);
}

TEST(RegionView, EveryKindOfEventHasAName) {
  EXPECT_EQ(kind_of(DemandReport{}), "demand");
  EXPECT_EQ(kind_of(Tick{}), "tick");
  EXPECT_EQ(kind_of(SwitchHold{}), "hold");
}

}  // namespace
}  // namespace mixnet
