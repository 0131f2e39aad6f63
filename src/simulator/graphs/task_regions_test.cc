#include "graphs/task_regions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TaskRegions, ServersThatAreJoinedShareARegion) {
  TaskRegions regions(6);
  regions.join(4, 5);
  regions.join(1, 3);
  regions.join(3, 5);
  EXPECT_THAT(regions.servers(4), ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(regions.first(5), 1);
  EXPECT_THAT(regions.servers(2), ElementsAre(2));
}

TEST(TaskRegions, OneLayerAndMicroBatchAtATime) {
  TaskRegions regions(2);
  regions.join(0, 1);
  std::vector<std::uint32_t> entered;
  EXPECT_TRUE(regions.enter(0, {0, 0}, 10));
  EXPECT_TRUE(regions.enter(1, {0, 0}, 11)) << "of the same layer and micro-batch";
  EXPECT_FALSE(regions.enter(0, {0, 1}, 12));
  EXPECT_FALSE(regions.enter(0, {0, 0}, 13)) << "behind the one that waits";
  regions.leave(0, entered);
  EXPECT_THAT(entered, IsEmpty());
  regions.leave(1, entered);
  EXPECT_THAT(entered, ElementsAre(12));
  entered.clear();
  regions.leave(0, entered);
  EXPECT_THAT(entered, ElementsAre(13));
}

TEST(TaskRegions, WhoSetsCircuits) {
  TaskRegions regions(1);
  std::vector<std::uint32_t> entered;
  const auto pass = [&](TaskRegions::Holder holder, bool is_dispatch) {
    EXPECT_TRUE(regions.enter(0, holder, 0));
    const bool sets = regions.claim(0, is_dispatch);
    regions.leave(0, entered);
    return sets;
  };
  EXPECT_TRUE(pass({0, 0}, true));
  EXPECT_FALSE(pass({0, 0}, false)) << "combine finds dispatch's circuits";
  EXPECT_TRUE(pass({0, 0}, true)) << "a gate has decided anew";
  EXPECT_TRUE(pass({1, 0}, false)) << "another layer";
  EXPECT_TRUE(regions.enter(0, {1, 0}, 1));
  EXPECT_TRUE(regions.claim(0, true));
  EXPECT_TRUE(regions.enter(0, {1, 0}, 2));
  EXPECT_FALSE(regions.claim(0, true)) << "a dispatch beside another shares its circuits";
}

}  // namespace
}  // namespace mixnet
