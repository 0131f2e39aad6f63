#include "fabric/direct_connect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

/// All pairs of the servers [first, first + count), each with `bytes`.
void add_mesh(ExpectedTraffic& traffic, int first, int count, double bytes) {
  for (int a = first; a < first + count; ++a) {
    for (int b = a + 1; b < first + count; ++b) traffic.pairs.push_back({a, b, bytes});
  }
}

/// As a training job's: `stages` x `replicas` regions, rings over replicas, neighbouring stages.
ExpectedTraffic job(int stages, int replicas, int region, double ring_bytes, std::uint64_t seed) {
  Random random(seed);
  ExpectedTraffic traffic;
  traffic.ring_bytes = ring_bytes;
  const int stage_servers = replicas * region;
  for (int stage = 0; stage < stages; ++stage) {
    const int first = stage * stage_servers;
    for (int start = first; start < first + stage_servers; start += region) {
      for (int a = start; a < start + region; ++a) {
        for (int b = a + 1; b < start + region; ++b) {
          traffic.pairs.push_back({a, b, 1 + random.uniform()});
        }
      }
    }
    for (int place = 0; place < region; ++place) {
      std::vector<int> ring;
      ring.reserve(replicas);
      for (int replica = 0; replica < replicas; ++replica) {
        ring.push_back(first + replica * region + place);
      }
      traffic.rings.push_back(ring);
    }
    for (int server = first; stage + 1 < stages && server < first + stage_servers; ++server) {
      traffic.neighbours.emplace_back(server, server + stage_servers);
    }
  }
  return traffic;
}

std::vector<std::vector<int>> neighbours_of(const DirectConnect& graph, int servers) {
  std::vector<std::vector<int>> neighbours(servers);
  for (int a = 0; a < servers; ++a) {
    for (int b = 0; b < servers; ++b) {
      if (graph.circuits(a, b) > 0) neighbours[a].push_back(b);
    }
  }
  return neighbours;
}

/// Hops of the shortest way, by breadth-first search; -1 when there is none.
std::vector<int> hops_from(const std::vector<std::vector<int>>& neighbours, int start) {
  std::vector<int> hops(neighbours.size(), -1);
  std::queue<int> queue;
  hops[start] = 0;
  for (queue.push(start); !queue.empty(); queue.pop()) {
    for (const int next : neighbours[queue.front()]) {
      if (hops[next] >= 0) continue;
      hops[next] = hops[queue.front()] + 1;
      queue.push(next);
    }
  }
  return hops;
}

void expect_sound(DirectConnect& graph, int servers, int nics) {
  std::map<std::uint32_t, std::pair<int, int>> ends;
  for (int a = 0; a < servers; ++a) {
    int used = 0;
    EXPECT_EQ(graph.circuits(a, a), 0);
    for (int b = 0; b < servers; ++b) {
      used += graph.circuits(a, b);
      EXPECT_EQ(graph.circuits(a, b), graph.circuits(b, a));
      if (graph.circuits(a, b) == 0) continue;
      ASSERT_EQ(graph.route(a, b).size(), 1u);
      const std::uint32_t link = graph.route(a, b).front();
      EXPECT_TRUE(ends.try_emplace(link, a, b).second);
      EXPECT_EQ(graph.link_rates()[link], graph.circuits(a, b));
    }
    EXPECT_EQ(used, graph.degree(a));
    EXPECT_LE(used, nics);
  }
  EXPECT_EQ(ends.size(), graph.link_rates().size());
  const auto neighbours = neighbours_of(graph, servers);
  for (int a = 0; a < servers; ++a) {
    const std::vector<int> hops = hops_from(neighbours, a);
    for (int b = 0; b < servers; ++b) {
      const auto& route = graph.route(a, b);
      EXPECT_EQ(static_cast<int>(route.size()), std::max(0, hops[b]));
      int here = a;
      for (const std::uint32_t link : route) {
        ASSERT_EQ(ends.at(link).first, here);
        here = ends.at(link).second;
      }
      if (!route.empty()) {
        EXPECT_EQ(here, b);
      }
    }
  }
}

TEST(DirectConnect, ServesARegionEvenly) {
  // Four servers of six NICs: two circuits a pair. Eight of seven: one.
  for (const auto& [servers, nics, circuits] : {std::tuple{4, 6, 2}, {8, 7, 1}, {2, 8, 8}}) {
    ExpectedTraffic traffic;
    add_mesh(traffic, 0, servers, 1e9);
    DirectConnect graph = DirectConnect::find(servers, nics, traffic);
    expect_sound(graph, servers, nics);
    for (int a = 0; a < servers; ++a) {
      for (int b = 0; b < servers; ++b) EXPECT_EQ(graph.circuits(a, b), a == b ? 0 : circuits);
    }
  }
}

TEST(DirectConnect, LeavesNoNicUnusedOnUniformDemands) {
  for (const int servers : {2, 4, 6, 8, 16, 32}) {
    for (int nics = 2; nics <= 8; ++nics) {
      ExpectedTraffic traffic;
      add_mesh(traffic, 0, servers, 1e9);
      DirectConnect graph = DirectConnect::find(servers, nics, traffic);
      expect_sound(graph, servers, nics);
      for (int s = 0; s < servers; ++s) EXPECT_EQ(graph.degree(s), nics) << servers;
    }
  }
}

TEST(DirectConnect, TwoNicsAServerJoinAnyRegion) {
  for (int servers = 2; servers <= 33; ++servers) {
    for (const bool even : {true, false}) {
      Random random(servers);
      ExpectedTraffic traffic;
      add_mesh(traffic, 0, servers, 1e9);
      for (auto& pair : traffic.pairs) pair.bytes = even ? 1 : 1 + 100 * random.uniform();
      DirectConnect graph = DirectConnect::find(servers, 2, traffic);
      expect_sound(graph, servers, 2);
      EXPECT_EQ(std::ranges::count(hops_from(neighbours_of(graph, servers), 0), -1), 0) << servers;
    }
  }
}

TEST(DirectConnect, MoreDemandMoreCircuits) {
  ExpectedTraffic traffic;
  add_mesh(traffic, 0, 4, 1e9);
  for (auto& pair : traffic.pairs) {
    if (pair.b == pair.a + 1 && pair.a % 2 == 0) pair.bytes = 9e9;  // {0, 1} and {2, 3}
  }
  const DirectConnect graph = DirectConnect::find(4, 8, traffic);
  EXPECT_GT(graph.circuits(0, 1), graph.circuits(0, 2));
  EXPECT_GT(graph.circuits(2, 3), graph.circuits(1, 3));
  EXPECT_GE(graph.circuits(0, 2), 0);
}

TEST(DirectConnect, RingsGetTheirShareOfTheNics) {
  // One group of five servers, each of which sends as much to the others as along the ring.
  ExpectedTraffic traffic;
  traffic.rings = {{0, 1, 2, 3, 4}};
  add_mesh(traffic, 0, 5, 1e9);  // 10 pairs, both directions together: 2e9 sent by each
  traffic.ring_bytes = 2e9;
  DirectConnect half = DirectConnect::find(5, 8, traffic);
  EXPECT_EQ(half.ring_nics(), 4);
  for (int s = 0; s < 5; ++s) EXPECT_GE(half.circuits(s, (s + 1) % 5), 2);
  expect_sound(half, 5, 8);

  traffic.ring_bytes = 1;  // always one
  EXPECT_EQ(DirectConnect::find(5, 8, traffic).ring_nics(), 2);
  traffic.ring_bytes = 1e20;  // always two NICs for the pairs
  EXPECT_EQ(DirectConnect::find(5, 8, traffic).ring_nics(), 6);
  traffic.pairs.clear();
  EXPECT_EQ(DirectConnect::find(5, 8, traffic).ring_nics(), 8);
  traffic.rings.clear();
  EXPECT_EQ(DirectConnect::find(5, 8, traffic).ring_nics(), 0);
}

TEST(DirectConnect, ARingOfTwoIsOneCircuit) {
  ExpectedTraffic traffic;
  traffic.rings = {{0, 1}, {2, 3}, {4}};
  traffic.ring_bytes = 3;
  traffic.neighbours = {{0, 2}, {1, 3}};
  const DirectConnect graph = DirectConnect::find(5, 4, traffic);
  EXPECT_EQ(graph.ring_nics(), 3);  // of four: one is for the neighbour
  EXPECT_EQ(graph.circuits(0, 1), 3);
  EXPECT_EQ(graph.circuits(2, 3), 3);
  EXPECT_EQ(graph.circuits(0, 2), 1);
  EXPECT_EQ(graph.degree(4), 0);
}

TEST(DirectConnect, JobsAreJoinedWhateverTheirTraffic) {
  for (const auto& [stages, replicas, region] :
       {std::tuple{4, 4, 4}, {3, 2, 8}, {1, 16, 2}, {3, 1, 16}, {2, 5, 3}, {4, 4, 1}}) {
    for (const double ring_bytes : {0.0, 1e3, 1e30}) {
      for (const int nics : {6, 8}) {
        const ExpectedTraffic traffic = job(stages, replicas, region, ring_bytes, 5);
        const int servers = stages * replicas * region;
        DirectConnect graph = DirectConnect::find(servers, nics, traffic);
        expect_sound(graph, servers, nics);
        for (const auto& [a, b, bytes] : traffic.pairs) EXPECT_FALSE(graph.route(a, b).empty());
        for (const auto& [a, b] : traffic.neighbours) EXPECT_EQ(graph.route(a, b).size(), 1u);
        for (const auto& ring : traffic.rings) {
          for (std::size_t i = 0; ring.size() > 1 && i < ring.size(); ++i) {
            EXPECT_GE(graph.circuits(ring[i], ring[(i + 1) % ring.size()]), 1);
          }
        }
      }
    }
  }
}

TEST(DirectConnect, IsTheSameEveryTime) {
  const ExpectedTraffic traffic = job(4, 4, 4, 20, 9);
  DirectConnect once = DirectConnect::find(64, 8, traffic);
  DirectConnect again = DirectConnect::find(64, 8, traffic);
  EXPECT_EQ(once.link_rates(), again.link_rates());
  for (int a = 0; a < 64; ++a) {
    for (int b = 63; b >= 0; --b) EXPECT_EQ(once.route(b, a), again.route(b, a));
    for (int b = 0; b < 64; ++b) EXPECT_EQ(once.route(a, b), again.route(a, b));
  }
}

TEST(DirectConnect, RoutesAvoidWhatHeavierPairsLoad) {
  // 4 - 0 - {1 or 2} - 3: the heavy pair {0, 3} takes one way, the light {4, 3} the other. The
  // other servers keep NICs from making shortcuts.
  ExpectedTraffic traffic;
  traffic.neighbours = {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 4}, {4, 5}, {4, 6}, {3, 7}};
  traffic.pairs = {{3, 4, 1.0}, {0, 3, 9.0}};
  DirectConnect graph = DirectConnect::find(8, 3, traffic);
  ASSERT_EQ(graph.route(0, 3).size(), 2u);
  ASSERT_EQ(graph.route(4, 3).size(), 3u);
  EXPECT_NE(graph.route(0, 3)[0], graph.route(4, 3)[1]);
  EXPECT_NE(graph.route(0, 3)[1], graph.route(4, 3)[2]);
}

TEST(DirectConnect, WhatCannotBeJoinedHasNoRoute) {
  ExpectedTraffic traffic;
  add_mesh(traffic, 0, 4, 1);
  DirectConnect graph = DirectConnect::find(4, 1, traffic);  // two pairs at most
  expect_sound(graph, 4, 1);
  EXPECT_EQ(graph.route(0, 1).size(), 1u);
  EXPECT_TRUE(graph.route(0, 2).empty());
  EXPECT_TRUE(graph.route(0, 0).empty());
  // Pairs without bytes ask for nothing.
  traffic.pairs = {{0, 1, 0.0}};
  EXPECT_TRUE(DirectConnect::find(4, 8, traffic).link_rates().empty());
}

TEST(DirectConnect, FailedNicsLoseTheirCircuitsAndHostsForwardAroundThem) {
  ExpectedTraffic traffic;
  add_mesh(traffic, 0, 5, 100);
  const DirectConnect whole = DirectConnect::find(5, 4, traffic);
  ASSERT_EQ(whole.circuits(0, 1), 1);
  // NIC 0 of server 0 carries its first circuit by peers: that to server 1. So does 1's to 0.
  for (const std::set<std::pair<int, int>>& dead :
       {std::set<std::pair<int, int>>{{0, 0}}, {{1, 0}}, {{0, 0}, {1, 0}}}) {
    DirectConnect graph = DirectConnect::find(5, 4, traffic, dead);
    EXPECT_EQ(graph.circuits(0, 1), 0);
    EXPECT_EQ(graph.circuits(1, 0), 0);
    EXPECT_EQ(graph.circuits(0, 2), 1);
    EXPECT_EQ(graph.link_rates().size(), whole.link_rates().size() - 2);
    EXPECT_EQ(graph.route(0, 1).size(), 2U);
  }
  EXPECT_EQ(DirectConnect::find(5, 7, traffic, {{0, 6}}).circuits(0, 1),
            DirectConnect::find(5, 7, traffic).circuits(0, 1))
      << "a NIC without a circuit is not missed";
}

TEST(DirectConnect, MatchesForTheMostWeightNotTheHeaviestPair) {
  ExpectedTraffic traffic;
  traffic.pairs = {{0, 1, 5}, {1, 2, 8}, {2, 3, 5}};
  const DirectConnect graph = DirectConnect::find(4, 1, traffic);
  // Joining all four takes more NICs than there are; 5 + 5 are more than 8.
  EXPECT_EQ(graph.circuits(0, 1), 1);
  EXPECT_EQ(graph.circuits(1, 2), 0);
  EXPECT_EQ(graph.circuits(2, 3), 1);
}

TEST(DirectConnect, LargerRingsJoinWhatTheirOwnLeaveApart) {
  // Three regions of two servers with two NICs each; rings over the regions take both.
  ExpectedTraffic traffic;
  traffic.pairs = {{0, 1, 1}, {2, 3, 1}, {4, 5, 1}};
  traffic.rings = {{0, 2, 4}, {1, 3, 5}};
  traffic.joining_rings = {{0, 2, 4, 1, 3, 5}};
  traffic.ring_bytes = 1;
  const DirectConnect graph = DirectConnect::find(6, 2, traffic);
  for (int i = 0; i < 6; ++i) {
    const std::vector<int>& ring = traffic.joining_rings[0];
    EXPECT_EQ(graph.circuits(ring[i], ring[(i + 1) % 6]), 1);
  }
}

TEST(DirectConnect, TwoNicsAServerJoinAllThereIs) {
  for (const int stages : {1, 2, 4}) {
    for (const int replicas : {1, 2, 5}) {
      for (const int region : {2, 4}) {
        const ExpectedTraffic traffic = job(stages, replicas, region, 1, 3);
        const int servers = stages * replicas * region;
        DirectConnect graph = DirectConnect::find(servers, 2, traffic);
        for (const auto& [a, b, bytes] : traffic.pairs) EXPECT_FALSE(graph.route(a, b).empty());
        for (const auto& [a, b] : traffic.neighbours) EXPECT_FALSE(graph.route(a, b).empty());
        for (const auto& ring : traffic.rings) {
          for (const int server : ring) {
            EXPECT_EQ(graph.route(ring[0], server).empty(), server == ring[0]);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace mixnet
