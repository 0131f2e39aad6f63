#include "client/region_names.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

/// gpu-0, gpu-1, ...: two NICs each, at positions 1, 2, ...; the last server has only one.
v1::RegionDescription region_of(int servers) {
  v1::RegionDescription region;
  region.set_optical_nics(2);
  for (int s = 0; s < servers; ++s) {
    v1::ServerDescription& server = *region.add_servers();
    server.set_name(fmt::format("gpu-{}", s));
    for (int k = 0; k < (s == servers - 1 ? 1 : 2); ++k) {
      v1::OpticalNic& nic = *server.add_optical();
      nic.set_port(s * 2 + k);
      nic.set_position(s * 2 + k + 1);
      nic.set_interface(fmt::format("eth{}", k));
    }
  }
  return region;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RegionNames, GoBothWays) {
  const RegionNames names(region_of(3));
  EXPECT_EQ(names.server("gpu-2", "SERVER"), 2);
  EXPECT_EQ(names.server_name(2), "gpu-2");
  EXPECT_EQ(names.port(1, 1), 3);
  EXPECT_EQ(names.port_name(3), "gpu-1:eth1");
  EXPECT_EQ(names.position(3), 4);
  EXPECT_EQ(names.port_at(4, "PAIR"), 3);
}

TEST(RegionNames, WhatHasNoNameGetsOne) {
  const RegionNames names(region_of(3));
  EXPECT_EQ(names.server_name(3), "server 3");
  EXPECT_EQ(names.server_name(-1), "server -1");
  EXPECT_EQ(names.port_name(5), "port 5");
  EXPECT_EQ(names.position(5), 0);
  EXPECT_EQ(RegionNames(v1::RegionDescription()).port_name(0), "port 0");
}

TEST(RegionNames, AWrongNameIsToldWithTheNearest) {
  const RegionNames names(region_of(3));
  EXPECT_EQ(error_of([&] { names.server("gpu2", "SERVER"); }),
            "SERVER: there is no server 'gpu2'; did you mean 'gpu-2'? known: gpu-0, gpu-1, gpu-2");
  EXPECT_EQ(error_of([&] { names.port_at(6, "PAIR"); }),
            "PAIR: no NIC of the region is at position 6; 'mixnet ctl topology' shows positions");
}

TEST(RegionNames, ALargeRegionIsNotListed) {
  const RegionNames names(region_of(100));
  EXPECT_EQ(error_of([&] { names.server("gpu-77.x", "SERVER"); }),
            "SERVER: there is no server 'gpu-77.x'; did you mean 'gpu-77'?");
  EXPECT_EQ(error_of([&] { names.server("x", "SERVER"); }),
            "SERVER: there is no server 'x'; 'mixnet ctl status' lists them");
}

}  // namespace
}  // namespace mixnet
