#include "circuits/nic_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;

CircuitCounts pair_counts(std::size_t servers,
                          const std::vector<std::tuple<int, int, int>>& pairs) {
  CircuitCounts counts(servers, servers);
  for (const auto& [a, b, circuits] : pairs) {
    counts(a, b) = circuits;
    counts(b, a) = circuits;
  }
  return counts;
}

/// Random counts with at most `degree` circuits a server, a few pairs having several.
CircuitCounts random_counts(Random& random, std::size_t servers, int degree) {
  CircuitCounts counts(servers, servers);
  std::vector<int> left(servers, degree);
  for (std::uint64_t tries = random.below(servers * static_cast<std::size_t>(degree) + 1);
       tries > 0; --tries) {
    const std::size_t a = random.below(servers);
    const std::size_t b = random.below(servers);
    const int circuits = static_cast<int>(1 + random.below(3));
    if (a == b || left[a] < circuits || left[b] < circuits) continue;
    counts(a, b) += circuits;
    counts(b, a) += circuits;
    left[a] -= circuits;
    left[b] -= circuits;
  }
  return counts;
}

/// One end of the circuits: server -> peer -> NICs.
std::vector<std::map<int, std::vector<int>>> ends_of(const std::vector<Circuit>& circuits,
                                                     std::size_t servers) {
  std::vector<std::map<int, std::vector<int>>> ends(servers);
  for (const Circuit& circuit : circuits) {
    ends[circuit.server_a][circuit.server_b].push_back(circuit.nic_a);
    ends[circuit.server_b][circuit.server_a].push_back(circuit.nic_b);
  }
  return ends;
}

/// Every circuit has its own NIC at both ends, and the counts are met.
void expect_sound(const std::vector<Circuit>& circuits, const CircuitCounts& counts, int degree) {
  CircuitCounts seen(counts.rows(), counts.rows());
  std::set<std::pair<int, int>> ports;
  for (const Circuit& circuit : circuits) {
    EXPECT_LT(circuit.server_a, circuit.server_b);
    ++seen(circuit.server_a, circuit.server_b);
    ++seen(circuit.server_b, circuit.server_a);
    for (const auto& [server, nic] :
         {std::pair{circuit.server_a, circuit.nic_a}, std::pair{circuit.server_b, circuit.nic_b}}) {
      EXPECT_GE(nic, 0);
      EXPECT_LT(nic, degree);
      EXPECT_TRUE(ports.emplace(server, nic).second) << "NIC used twice";
    }
  }
  EXPECT_EQ(seen, counts);
  EXPECT_TRUE(std::ranges::is_sorted(circuits, {}, [](const Circuit& circuit) {
    return std::tuple(circuit.server_a, circuit.server_b, circuit.nic_a);
  }));
}

/// The most distinct (peer, node) pairings of one server: trying, peer by peer, every set of nodes.
/// Circuits beyond one a node can go anywhere, since there are enough NICs.
int most_pairings(const std::vector<int>& circuits, std::vector<int>& room, std::size_t peer = 0) {
  if (peer == circuits.size()) return 0;
  int best = 0;
  for (unsigned set = 0; set < 1U << room.size(); ++set) {
    int size = 0;
    bool fits = true;
    for (std::size_t node = 0; node < room.size(); ++node) {
      if ((set >> node & 1U) == 0) continue;
      ++size;
      fits = fits && room[node] > 0;
    }
    if (!fits || size > circuits[peer]) continue;
    for (std::size_t node = 0; node < room.size(); ++node) room[node] -= set >> node & 1U;
    best = std::max(best, size + most_pairings(circuits, room, peer + 1));
    for (std::size_t node = 0; node < room.size(); ++node) room[node] += set >> node & 1U;
  }
  return best;
}

TEST(NicMapping, SpreadsAPairOverBothNumaNodesAtBothEnds) {
  const std::vector<int> numa = {0, 0, 0, 1, 1, 1};
  EXPECT_THAT(map_to_nics(pair_counts(2, {{0, 1, 2}}), numa),
              ElementsAre(Circuit{0, 0, 1, 0}, Circuit{0, 3, 1, 3}));
}

TEST(NicMapping, ServesPairsWithSeveralCircuitsFirst) {
  // In the order of peers, server 1 would take the one NIC of node 1, and both circuits to server 2
  // would be on node 0.
  const std::vector<int> numa = {0, 0, 1};
  const auto circuits = map_to_nics(pair_counts(3, {{0, 1, 1}, {0, 2, 2}}), numa);
  EXPECT_THAT(circuits, ElementsAre(Circuit{0, 1, 1, 0}, Circuit{0, 0, 2, 0}, Circuit{0, 2, 2, 2}));
}

TEST(NicMapping, BalancesSinglesOverNodes) {
  const std::vector<int> numa = {0, 0, 1, 1};
  const auto circuits = map_to_nics(pair_counts(3, {{0, 1, 1}, {0, 2, 1}}), numa);
  EXPECT_THAT(circuits, ElementsAre(Circuit{0, 0, 1, 0}, Circuit{0, 2, 2, 0}));
}

TEST(NicMapping, LeavesOutUnusableNics) {
  const std::vector<int> numa = {0, 0, 1, 1};
  Matrix<std::uint8_t> usable(2, 4, 1);
  usable(0, 0) = 0;
  usable(1, 2) = 0;
  usable(1, 3) = 0;
  NicMapper mapper;
  EXPECT_THAT(mapper.map(pair_counts(2, {{0, 1, 2}}), numa, usable),
              ElementsAre(Circuit{0, 1, 1, 0}, Circuit{0, 2, 1, 1}));
  EXPECT_THROW(mapper.map(pair_counts(2, {{0, 1, 3}}), numa, usable), Error);
  EXPECT_THROW(mapper.map(pair_counts(2, {{0, 1, 1}}), numa, Matrix<std::uint8_t>(2, 3, 1)), Error);
}

TEST(NicMapping, NothingForNoCircuits) {
  const std::vector<int> numa = {0, 1};
  EXPECT_TRUE(map_to_nics(CircuitCounts(), numa).empty());
  EXPECT_TRUE(map_to_nics(CircuitCounts(4, 4), numa).empty());
  EXPECT_TRUE(map_to_nics(CircuitCounts(4, 4), {}).empty());
}

TEST(NicMapping, Refuses) {
  const std::vector<int> numa = {0, 1};
  EXPECT_THROW(map_to_nics(pair_counts(2, {{0, 1, 3}}), numa), Error);
  EXPECT_THROW(map_to_nics(CircuitCounts(2, 3), numa), Error);
  EXPECT_THROW(map_to_nics(CircuitCounts(2, 2, 1), numa), Error);
  CircuitCounts one_way(2, 2);
  one_way(0, 1) = 1;
  EXPECT_THROW(map_to_nics(one_way, numa), Error);
  EXPECT_THROW(map_to_nics(pair_counts(2, {{0, 1, -1}}), numa), Error);
}

TEST(NicMapping, SpreadsAsMuchAsIsPossible) {
  NicMapper mapper;
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    Random random(derive_seed(21, trial));
    const std::size_t servers = 2 + random.below(6);
    const int degree = static_cast<int>(1 + random.below(8));
    const int nodes = static_cast<int>(1 + random.below(4));
    std::vector<int> numa(static_cast<std::size_t>(degree));
    for (int& node : numa) node = 3 * static_cast<int>(random.below(nodes));
    const CircuitCounts counts = random_counts(random, servers, degree);
    const std::vector<Circuit>& circuits = mapper.map(counts, numa);
    expect_sound(circuits, counts, degree);
    ASSERT_EQ(circuits, map_to_nics(counts, numa));

    std::map<int, int> nics_of_node;
    for (const int node : numa) ++nics_of_node[node];
    const auto ends = ends_of(circuits, servers);
    for (const auto& peers : ends) {
      int pairings = 0;
      std::vector<int> sizes;
      for (const auto& [peer, nics] : peers) {
        std::set<int> used;
        for (const int nic : nics) used.insert(numa[nic]);
        pairings += static_cast<int>(used.size());
        sizes.push_back(static_cast<int>(nics.size()));
      }
      std::vector<int> room;
      room.reserve(nics_of_node.size());
      for (const auto& [node, nics] : nics_of_node) room.push_back(nics);
      ASSERT_EQ(pairings, most_pairings(sizes, room)) << "trial " << trial;
    }
  }
}

TEST(NicMapping, UsesEqualNodesEvenly) {
  for (std::uint64_t trial = 0; trial < 500; ++trial) {
    Random random(derive_seed(22, trial));
    const std::size_t servers = 2 + random.below(12);
    const std::vector<int> numa = {0, 1, 0, 1, 0, 1};
    const CircuitCounts counts = random_counts(random, servers, 6);
    for (const auto& peers : ends_of(map_to_nics(counts, numa), servers)) {
      int used[2] = {0, 0};
      for (const auto& [peer, nics] : peers) {
        int of_peer[2] = {0, 0};
        for (const int nic : nics) {
          ++used[numa[nic]];
          ++of_peer[numa[nic]];
        }
        if (nics.size() >= 2) {
          EXPECT_GT(std::min(of_peer[0], of_peer[1]), 0) << "trial " << trial;
        }
      }
      EXPECT_LE(std::abs(used[0] - used[1]), 1) << "trial " << trial;
    }
  }
}

TEST(NicMapping, MapsWhatTheGreedyAllocates) {
  const std::vector<int> numa = {0, 0, 0, 1, 1, 1};
  GreedyAllocator allocator;
  NicMapper mapper;
  for (const std::size_t servers : {4U, 8U, 64U, 250U}) {
    Random random(derive_seed(23, servers));
    ServerDemand demand(servers, servers);
    for (std::int64_t& cell : demand.cells()) cell = static_cast<std::int64_t>(random.below(1000));
    const CircuitCounts& counts = allocator.allocate(demand, 6);
    expect_sound(mapper.map(counts, numa), counts, 6);
  }
}

}  // namespace
}  // namespace mixnet
