#include "training/topoopt_communication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "circuits/completion_time.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

TokenCounts random_counts(int servers, std::uint64_t seed) {
  Random random(seed);
  TokenCounts counts(servers, servers);
  for (auto& cell : counts.cells()) cell = static_cast<std::int32_t>(random.below(100'000));
  return counts;
}

ExpectedTraffic mesh(int servers) {
  ExpectedTraffic traffic;
  for (int a = 0; a < servers; ++a) {
    for (int b = a + 1; b < servers; ++b) traffic.pairs.push_back({a, b, 1e9});
  }
  return traffic;
}

ExpectedTraffic ring(int servers) {
  ExpectedTraffic traffic;
  traffic.ring_bytes = 1e9;
  traffic.rings.resize(1);
  for (int s = 0; s < servers; ++s) traffic.rings[0].push_back(s);
  return traffic;
}

TopoOptCommunication network_of(int servers, int nics, const ExpectedTraffic& traffic) {
  return {DirectConnect::find(servers, nics, traffic), 8};
}

double seconds(double bytes) { return bytes / kReferenceRate.bytes_per_second(); }

TEST(TopoOptCommunication, AFullMeshIsTheBusiestPair) {
  // Eight servers of seven NICs, a circuit a pair.
  TopoOptCommunication network = network_of(8, 7, mesh(8));
  const RegionDemand demand = one_rank_a_server(random_counts(8, 1));
  std::int64_t busiest = 0;
  for (int s = 0; s < 8; ++s) {
    for (int t = 0; t < 8; ++t) {
      if (s != t) busiest = std::max(busiest, demand.server_bytes(s, t));
    }
  }
  const ExchangeTimes times = network.exchange(0, demand);
  EXPECT_NEAR(times.dispatch.transfer.to_seconds(), seconds(static_cast<double>(busiest)), 1e-11);
  EXPECT_EQ(times.combine.transfer, times.dispatch.transfer);  // circuits are full duplex
  EXPECT_EQ(times.dispatch.delay, kLinkDelay * 2);
  EXPECT_EQ(times.shared_nics_busy, times.dispatch.transfer + times.combine.transfer);
}

TEST(TopoOptCommunication, CombineIsTheMirrorOfDispatchOnAMesh) {
  TopoOptCommunication network = network_of(4, 6, mesh(4));
  RegionDemand demand = one_rank_a_server(random_counts(4, 2));
  const ExchangeTimes there = network.exchange(0, demand);
  for (int s = 0; s < 4; ++s) {
    for (int t = 0; t < s; ++t) std::swap(demand.server_bytes(s, t), demand.server_bytes(t, s));
  }
  const ExchangeTimes back = network.exchange(0, demand);
  EXPECT_EQ(there.dispatch.transfer, back.combine.transfer);
  EXPECT_EQ(there.combine.transfer, back.dispatch.transfer);
}

TEST(TopoOptCommunication, ServersInBetweenForward) {
  // 0 - 1 - 2, two circuits each: what 0 sends to 2 shares both with their own bytes.
  ExpectedTraffic line;
  line.pairs = {{0, 1, 1.0}, {1, 2, 1.0}};
  TopoOptCommunication network = network_of(3, 4, line);
  RegionDemand demand = one_rank_a_server(TokenCounts(3, 3));
  demand.server_bytes(0, 1) = 300'000'000;
  demand.server_bytes(0, 2) = 100'000'000;
  const PhaseTime dispatch = network.exchange(0, demand).dispatch;
  // Circuits of {0, 1}: as many as {1, 2}, two of server 1's four NICs.
  EXPECT_NEAR(dispatch.transfer.to_seconds(), seconds(400e6 / 2), 1e-11);
  EXPECT_EQ(dispatch.delay, kLinkDelay * 4);
}

TEST(TopoOptCommunication, IsNeverFasterThanAllNicsOfTheBusiestServer) {
  for (const int servers : {4, 8, 16}) {
    for (const int nics : {3, 4, 6, 8}) {
      for (std::uint64_t seed = 0; seed < 3; ++seed) {
        TopoOptCommunication network = network_of(servers, nics, mesh(servers));
        const RegionDemand demand = one_rank_a_server(random_counts(servers, seed));
        const Time bound = completion_lower_bound(demand.server_bytes, nics, kReferenceRate);
        EXPECT_GE(network.exchange(0, demand).dispatch.transfer.ps + 1000, bound.ps);
      }
    }
  }
}

TEST(TopoOptCommunication, RingsRunBothWaysOverAllTheirNics) {
  constexpr Bytes kGigabyte = {1'000'000'000};
  for (const int n : {3, 5, 8}) {
    for (const int nics : {2, 8}) {
      TopoOptCommunication network = network_of(n, nics, ring(n));
      const auto groups = ring(n).rings;
      const PhaseTime time = network.all_reduce(groups, kGigabyte);
      EXPECT_EQ(network.ring_nics(), nics);
      EXPECT_NEAR(time.transfer.to_seconds(), seconds(1e9 * 2 * (n - 1) / n / nics), 1e-9);
      EXPECT_EQ(time.delay, kLinkDelay * 2 * 2 * (n - 1));
    }
  }
  TopoOptCommunication pair = network_of(2, 4, ring(2));
  EXPECT_EQ(pair.ring_nics(), 4);
  EXPECT_NEAR(pair.all_reduce(ring(2).rings, kGigabyte).transfer.to_seconds(), seconds(1e9 / 4),
              1e-9);
  const std::vector<std::vector<int>> alone = {{0}, {}};
  EXPECT_EQ(pair.all_reduce(alone, kGigabyte).transfer, Time::zero());
}

TEST(TopoOptCommunication, StagesSendOverTheirOwnCircuits) {
  ExpectedTraffic traffic;
  traffic.neighbours = {{0, 2}, {1, 3}};
  TopoOptCommunication network = network_of(4, 2, traffic);
  // Eight GPUs a server over one circuit.
  const PhaseTime time = network.send(0, 2, 2, {1'000'000});
  EXPECT_NEAR(time.transfer.to_seconds(), seconds(8e6), 1e-11);
  EXPECT_EQ(time.delay, kLinkDelay * 2);
}

TEST(TopoOptCommunication, RefusesServersThatNothingJoins) {
  TopoOptCommunication network = network_of(4, 1, mesh(4));
  try {
    network.send(0, 2, 1, {1});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("servers 0 and 2 cannot be joined"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--nics-per-server"));
  }
  EXPECT_THROW(network.exchange(0, one_rank_a_server(random_counts(4, 1))), Error);
  const std::vector<std::vector<int>> all = {{0, 1, 2, 3}};
  EXPECT_THROW(network.all_reduce(all, {1000}), Error);
  EXPECT_EQ(network.send(0, 2, 1, {0}).transfer, Time::zero());  // but nothing can be sent anywhere
}

TEST(TopoOptCommunication, OneServerExchangesNothing) {
  TopoOptCommunication network = network_of(2, 4, mesh(2));
  const ExchangeTimes times = network.exchange(0, one_rank_a_server(random_counts(1, 1)));
  EXPECT_EQ(times.dispatch.transfer + times.combine.transfer, Time::zero());
}

}  // namespace
}  // namespace mixnet
