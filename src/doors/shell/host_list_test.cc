#include "shell/host_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> hosts(std::string_view text) { return expand_host_list(text, "SERVER"); }

TEST(HostList, NamesWhatSlurmWouldName) {
  EXPECT_THAT(hosts("gpu-3"), ElementsAre("gpu-3"));
  EXPECT_THAT(hosts("gpu-[0-2,7]"), ElementsAre("gpu-0", "gpu-1", "gpu-2", "gpu-7"));
  EXPECT_THAT(hosts("n[08-11]"), ElementsAre("n08", "n09", "n10", "n11"));
  EXPECT_THAT(hosts("a, b[1,3],c"), ElementsAre("a", "b1", "b3", "c"));
  EXPECT_THAT(hosts("r[1-2]-g[0-1].x"), ElementsAre("r1-g0.x", "r1-g1.x", "r2-g0.x", "r2-g1.x"));
}

TEST(HostList, RefusesWhatMakesNoSense) {
  for (const std::string_view bad : {"",
                                     ",",
                                     "a,,b",
                                     "a,",
                                     "a[",
                                     "a]",
                                     "a[1",
                                     "a[]",
                                     "a[x]",
                                     "a[1-]",
                                     "a[-1]",
                                     "a[3-1]",
                                     "a[[1]]",
                                     "a[1]]",
                                     "a[1-2-3]",
                                     "a[0-99999]",
                                     "a[0-65535]b[0-1]",
                                     "a[0000000000-1]",
                                     "a[1,]",
                                     "a[0-65535],b"}) {
    EXPECT_THROW(hosts(bad), Error) << bad;
  }
  EXPECT_EQ(hosts("a[0-65535]").size(), kMostHosts);
}

}  // namespace
}  // namespace mixnet::cli
