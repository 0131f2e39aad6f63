#include "service/state_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;

/// Tenant 5 on servers 0 to 2, a circuit between 0 and 1.
RegionState state_of_a_job() {
  RegionState state = RegionState::fresh(test_settings(4, 2).region);
  state.owner = {5, 5, 5, 0};
  state.slices.front().servers = {3};
  Slice slice;
  slice.tenant = 5;
  slice.servers = {2, 0, 1};
  slice.step = Step::kSwitching;
  slice.demand = ServerDemand(3, 3);
  slice.demand(1, 2) = 300;  // of servers 0 and 1
  slice.demand(2, 0) = 100;  // of servers 1 and 2
  slice.demand(0, 0) = 999;  // stays inside
  slice.announced.tenant = 5;
  slice.announced.epoch = 4;
  slice.announced.circuits = {{0, 0, 1, 0}};
  state.slices.push_back(slice);
  state.lit[0] = 2;
  state.lit[2] = 0;
  state.drained[3] = 1;
  state.port_health[7].failed = true;
  state.suspicion[6].until = Duration::seconds(9);
  state.pins = {{4, 6}};
  return state;
}

TEST(StateView, AStatusIsTheStateInNumbers) {
  const v1::Status status = status_of(state_of_a_job(), {Instant::unix_seconds(7), 11, 22, true});
  EXPECT_EQ(status.now_ns(), 7'000'000'000);
  EXPECT_EQ(status.run(), 11);
  EXPECT_EQ(status.records(), 22U);
  ASSERT_EQ(status.tenants_size(), 2);
  EXPECT_EQ(status.tenants(0).tenant(), 0);
  EXPECT_EQ(status.tenants(1).step(), "switching");
  EXPECT_EQ(status.tenants(1).epoch(), 4U);
  EXPECT_DOUBLE_EQ(status.tenants(1).served_by_circuits(), 0.75);
  EXPECT_EQ(status.servers(0).circuits(), 1);
  EXPECT_EQ(status.servers(0).tenant(), 5);
  EXPECT_TRUE(status.servers(3).drained());
  ASSERT_EQ(status.lit_size(), 1);
  EXPECT_EQ(status.lit(0).b(), 2);
  EXPECT_THAT(status.suspect_ports(), ElementsAre(6));
  EXPECT_THAT(status.failed_ports(), ElementsAre(7));
  EXPECT_EQ(status.pins(0).a(), 4);
}

TEST(StateView, ThePoolHasNoTopology) {
  const RegionState state = state_of_a_job();
  EXPECT_FALSE(announced_to(state, 0));
  EXPECT_FALSE(announced_to(state, 6));
  const v1::Topology topology = topology_message(announced_to(state, 5).value(), 11, true);
  EXPECT_EQ(topology.epoch(), 4U);
  EXPECT_EQ(topology.run(), 11);
  EXPECT_TRUE(topology.observes());
}

}  // namespace
}  // namespace mixnet
