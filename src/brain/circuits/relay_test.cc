#include "circuits/relay.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

CircuitCounts joined(std::size_t servers, std::vector<std::pair<int, int>> pairs) {
  CircuitCounts counts(servers, servers);
  for (const auto& [a, b] : pairs) {
    ++counts(a, b);
    ++counts(b, a);
  }
  return counts;
}

TEST(Relayed, AServerWithoutEpsGoesByItsNeighbours) {
  // 0 has lost its EPS NICs and has two circuits to 1, one to 2; none to 3.
  ServerDemand bytes(4, 4);
  bytes(0, 3) = 900;
  bytes(3, 0) = 300;
  bytes(0, 1) = 50;
  const std::vector<double> eps = {0, 2, 2, 2};
  const ServerDemand hops = relayed(bytes, joined(4, {{0, 1}, {0, 1}, {0, 2}}), eps);
  EXPECT_EQ(hops(0, 3), 0);
  EXPECT_EQ(hops(0, 1), 50 + 600);
  EXPECT_EQ(hops(0, 2), 300);
  EXPECT_EQ(hops(1, 3), 600);
  EXPECT_EQ(hops(2, 3), 300);
  EXPECT_EQ(hops(3, 1), 200);
  EXPECT_EQ(hops(1, 0), 200);
  EXPECT_EQ(hops(3, 2) + hops(2, 0), 200);
}

TEST(Relayed, TwoServersWithoutEpsNeedTwoRelays) {
  ServerDemand bytes(4, 4);
  bytes(0, 3) = 10;
  const ServerDemand hops =
      relayed(bytes, joined(4, {{0, 1}, {2, 3}}), std::vector<double>{0, 1, 1, 0});
  EXPECT_EQ(hops(0, 1), 10);
  EXPECT_EQ(hops(1, 2), 10);
  EXPECT_EQ(hops(2, 3), 10);
  EXPECT_EQ(hops(0, 3) + hops(1, 3) + hops(0, 2), 0);
}

TEST(Relayed, WhatNobodyCanPassOnStays) {
  ServerDemand bytes(3, 3);
  bytes(0, 2) = 10;
  EXPECT_EQ(relayed(bytes, joined(3, {}), std::vector<double>{0, 2, 2}), bytes);
}

TEST(Relayed, EveryByteLeavesItsSenderAndReachesItsReceiver) {
  for (int round = 0; round < 500; ++round) {
    Random random(derive_seed(3, round));
    const std::size_t n = 3 + random.below(6);
    ServerDemand bytes(n, n);
    CircuitCounts circuits(n, n);
    std::vector<double> eps(n, 2);
    eps[random.below(n)] = 0;
    if (round % 2 == 0) eps[random.below(n)] = 0;
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t t = 0; t < n; ++t) {
        if (s == t) continue;
        bytes(s, t) = static_cast<std::int64_t>(random.below(1000));
        if (s < t) {
          circuits(s, t) = circuits(t, s) = static_cast<std::int32_t>(random.below(3));
        }
      }
    }
    const ServerDemand hops = relayed(bytes, circuits, eps);
    for (std::size_t s = 0; s < n; ++s) {
      // What a server sends less what it gets, is what it sends and gets of its own.
      std::int64_t net = 0;
      for (std::size_t t = 0; t < n; ++t) {
        net += hops(s, t) - hops(t, s) - bytes(s, t) + bytes(t, s);
      }
      EXPECT_EQ(net, 0) << round;
      for (std::size_t t = 0; t < n; ++t) {
        EXPECT_GE(hops(s, t), 0);
        // Without relays through themselves, servers with EPS keep what goes straight.
        if (s != t && (circuits(s, t) > 0 || (eps[s] > 0 && eps[t] > 0))) {
          EXPECT_GE(hops(s, t), bytes(s, t));
        }
      }
    }
  }
}

}  // namespace
}  // namespace mixnet
