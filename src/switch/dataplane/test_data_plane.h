// What tests of the data plane share: circuits are made and broken, and a test that needs
// interfaces is skipped where there can be none.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "dataplane/test_servers.h"

namespace mixnet {

constexpr MonotonicTime kLongAgo{};

/// Each server's port at the position of its number.
inline std::vector<PortAttachment> all_of(const TestServers& servers) {
  std::vector<PortAttachment> ports;
  for (int s = 1; s <= servers.size(); ++s) ports.push_back({TestServers::port(s), s});
  return ports;
}

inline void join(DataPlane& plane, int a, int b, MonotonicTime lit_at = kLongAgo) {
  plane.light_changed(a, b, lit_at);
  plane.light_changed(b, a, lit_at);
}

inline void part(DataPlane& plane, int a, int b) {
  plane.light_changed(a, 0, kLongAgo);
  plane.light_changed(b, 0, kLongAgo);
}

class DataPlaneTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = TestServers::missing(); !why.empty()) {
      GTEST_SKIP() << "no interfaces to attach: " << why;
    }
  }
};

}  // namespace mixnet
