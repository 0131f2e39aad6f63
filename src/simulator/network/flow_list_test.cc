#include "network/flow_list.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace mixnet {
namespace {

FlowRecord flow(int after, int fires) {
  return {.from = 0, .to = 1, .bytes = {1}, .after = after, .fires = fires};
}

TEST(FlowList, FlowsWithoutTriggersStart) {
  EXPECT_EQ(first_flow_that_never_starts({}), 0U);
  EXPECT_EQ(first_flow_that_never_starts({.hosts = 2, .flows = {flow(-1, -1), flow(-1, -1)}}), 2U);
}

TEST(FlowList, ABarrierTakesItsCount) {
  FlowList list{.hosts = 2,
                .flows = {flow(0, -1), flow(-1, 0), flow(-1, 0), flow(0, -1)},
                .triggers = {{.id = 9, .count = 2}}};
  EXPECT_EQ(first_flow_that_never_starts(list), 4U);
  list.triggers[0].count = 3;
  EXPECT_EQ(first_flow_that_never_starts(list), 0U);
  list.triggers[0].count = 1;  // the second activation changes nothing
  EXPECT_EQ(first_flow_that_never_starts(list), 4U);
}

TEST(FlowList, AFlowThatWaitsForItselfNeverStarts) {
  EXPECT_EQ(first_flow_that_never_starts(
                {.hosts = 2, .flows = {flow(-1, -1), flow(0, 0)}, .triggers = {{.id = 1}}}),
            1U);
  EXPECT_EQ(first_flow_that_never_starts({.hosts = 2,
                                          .flows = {flow(-1, -1), flow(0, 1), flow(1, 0)},
                                          .triggers = {{.id = 1}, {.id = 2}}}),
            1U);
}

// Sweeps over all flows until nothing changes: the slow way to the same answer.
std::size_t slow_first_that_never_starts(const FlowList& list) {
  std::vector<bool> starts(list.flows.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t f = 0; f < list.flows.size(); ++f) {
      const int after = list.flows[f].after;
      int activations = 0;
      for (std::size_t other = 0; other < list.flows.size(); ++other) {
        if (starts[other] && list.flows[other].fires == after) ++activations;
      }
      const bool now =
          after < 0 || activations >= list.triggers[static_cast<std::size_t>(after)].count;
      changed = changed || now != starts[f];
      starts[f] = now;
    }
  }
  std::size_t f = 0;
  while (f < starts.size() && starts[f]) ++f;
  return f;
}

TEST(FlowList, AgreesWithTheSlowWay) {
  int all_start = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    FlowList list{.hosts = 2};
    for (int t = 0; t < 4; ++t) {
      list.triggers.push_back({.id = t + 1, .count = 1 + static_cast<int>(random.below(2))});
    }
    for (int f = 0; f < 8; ++f) {
      const int after = static_cast<int>(random.below(6)) - 1;
      const int fires = static_cast<int>(random.below(5)) - 1;
      list.flows.push_back(flow(after > 3 ? -1 : after, fires));
    }
    const std::size_t first = first_flow_that_never_starts(list);
    ASSERT_EQ(first, slow_first_that_never_starts(list)) << seed;
    all_start += first == list.flows.size();
  }
  EXPECT_GT(all_start, 100);  // both answers occur
  EXPECT_LT(all_start, 1900);
}

}  // namespace
}  // namespace mixnet
