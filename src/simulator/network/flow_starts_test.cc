#include "network/flow_starts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time kNow = Time::microseconds(7);

std::vector<std::size_t> ended(FlowStarts& starts, std::size_t flow) {
  std::vector<std::size_t> starting;
  starts.end(flow, kNow, starting);
  return starting;
}

TEST(FlowStarts, FlowsWithStartsOfTheirOwnComeInTheirOrder) {
  std::vector<FlowRecord> flows(3);
  flows[0].start = kNow;
  const std::vector<FlowTrigger> none;
  const std::vector<int> nobody;
  FlowStarts starts(flows, none, nobody);
  EXPECT_THAT(starts.by_start(), ElementsAre(1, 2, 0));
  EXPECT_TRUE(starts.due(1));
  EXPECT_THAT(ended(starts, 1), IsEmpty());
}

TEST(FlowStarts, ABarrierStartsAllOfItsFlowsAndAMultishotTriggerOne) {
  std::vector<FlowRecord> flows(6);
  flows[0].fires = flows[1].fires = 0;
  flows[2].after = flows[3].after = 0;
  flows[2].fires = flows[3].fires = 1;
  flows[4].after = flows[5].after = 1;
  const std::vector<FlowTrigger> triggers = {{.id = 1, .count = 2}, {.id = 2, .one_by_one = true}};
  const std::vector<int> nobody;
  FlowStarts starts(flows, triggers, nobody);
  EXPECT_THAT(starts.by_start(), ElementsAre(0, 1));
  EXPECT_EQ(flows[2].start, Time::max());
  EXPECT_THAT(ended(starts, 1), IsEmpty());
  EXPECT_THAT(ended(starts, 0), ElementsAre(2, 3));
  EXPECT_EQ(flows[2].start, kNow);
  EXPECT_THAT(ended(starts, 3), ElementsAre(4));
  EXPECT_THAT(ended(starts, 2), ElementsAre(5));
}

TEST(FlowStarts, AMessageWaitsForItsStartAndForTheOneBefore) {
  std::vector<FlowRecord> flows(3);
  const std::vector<FlowTrigger> none;
  const std::vector<int> behind = {-1, 0, 1};
  FlowStarts starts(flows, none, behind);
  EXPECT_TRUE(starts.due(0));
  EXPECT_FALSE(starts.due(1));  // 0 is under way
  EXPECT_THAT(ended(starts, 0), ElementsAre(1));
  EXPECT_THAT(ended(starts, 1), IsEmpty());  // 2 is not due yet
  EXPECT_TRUE(starts.due(2));
}

}  // namespace
}  // namespace mixnet
