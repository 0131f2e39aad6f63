#include "dataplane/privileges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

namespace mixnet {
namespace {

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

TEST(Privileges, AttachingTakesTheNetworkAndItsPrograms) {
  EXPECT_EQ(missing_capabilities(0), "CAP_NET_ADMIN and CAP_BPF");
  EXPECT_EQ(missing_capabilities(bit(CAP_NET_ADMIN)), "CAP_BPF");
  EXPECT_EQ(missing_capabilities(bit(CAP_BPF)), "CAP_NET_ADMIN");
  EXPECT_EQ(missing_capabilities(bit(CAP_NET_ADMIN) | bit(CAP_BPF)), "");
  EXPECT_EQ(missing_capabilities(bit(CAP_NET_ADMIN) | bit(CAP_SYS_ADMIN)), "");
}

}  // namespace
}  // namespace mixnet
