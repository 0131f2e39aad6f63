#include "circuits/minimal_mapper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "circuits/greedy_allocator.h"
#include "circuits/nic_mapper.h"

namespace mixnet {
namespace {

const std::vector<int> kNuma = {0, 0, 0, 1, 1, 1};

Matrix<std::uint8_t> all_usable(int servers, int nics = 6) {
  Matrix<std::uint8_t> usable(servers, nics);
  std::ranges::fill(usable.cells(), 1);
  return usable;
}

ServerDemand random_demand(int servers, std::uint64_t seed) {
  Random random(seed);
  ServerDemand demand(servers, servers);
  for (auto& bytes : demand.cells()) bytes = static_cast<std::int64_t>(random.below(1000));
  return demand;
}

CircuitCounts counts_of(std::span<const Circuit> circuits, int servers) {
  CircuitCounts counts(servers, servers);
  for (const Circuit& c : circuits) {
    ++counts(c.server_a, c.server_b);
    ++counts(c.server_b, c.server_a);
  }
  return counts;
}

TEST(MinimalMapper, WhatStaysIsNotMoved) {
  MinimalMapper mapper;
  CircuitCounts wanted(3, 3);
  wanted(0, 1) = wanted(1, 0) = 2;
  const std::vector<Circuit> first = mapper.map({}, wanted, kNuma, all_usable(3));
  EXPECT_EQ(first.size(), 2U);
  EXPECT_NE(kNuma[first[0].nic_a], kNuma[first[1].nic_a]) << "on two NUMA nodes";
  // One of the pair goes, a new pair comes.
  wanted(0, 1) = wanted(1, 0) = 1;
  wanted(1, 2) = wanted(2, 1) = 1;
  const std::vector<Circuit> second = mapper.map(first, wanted, kNuma, all_usable(3));
  EXPECT_EQ(second[0], first[0]);
  EXPECT_EQ(moved_ports(first, second), 4 - (second[1].nic_a == first[1].nic_b ? 1 : 0));
  EXPECT_EQ(mapper.map(second, wanted, kNuma, all_usable(3)), second);
  EXPECT_EQ(moved_ports(second, second), 0);
}

TEST(MinimalMapper, KeepsOfEveryPairAsMuchAsItWants) {
  MinimalMapper mapper;
  GreedyAllocator greedy;
  std::vector<Circuit> present;
  for (int round = 0; round < 300; ++round) {
    const int servers = 8;
    const CircuitCounts before = counts_of(present, servers);
    Random random(derive_seed(9, round));
    Matrix<std::uint8_t> usable = all_usable(servers);
    std::vector<int> free(servers, 6);
    for (int i = 0; i < 4; ++i) {
      const auto s = random.below(servers);
      const auto nic = random.below(6);
      free[s] -= usable(s, nic);
      usable(s, nic) = 0;
    }
    const CircuitCounts wanted =
        greedy.allocate(random_demand(servers, derive_seed(10, round)), free);
    const std::vector<Circuit> after = mapper.map(present, wanted, kNuma, usable);
    EXPECT_EQ(counts_of(after, servers), wanted);
    std::set<std::pair<int, int>> ports;
    for (const Circuit& c : after) {
      EXPECT_TRUE(usable(c.server_a, c.nic_a) != 0 && usable(c.server_b, c.nic_b) != 0);
      EXPECT_TRUE(ports.insert({c.server_a, c.nic_a}).second);
      EXPECT_TRUE(ports.insert({c.server_b, c.nic_b}).second);
    }
    CircuitCounts lit(servers, servers);  // present ones whose NICs work
    for (const Circuit& c : present) {
      if (usable(c.server_a, c.nic_a) == 0 || usable(c.server_b, c.nic_b) == 0) continue;
      ++lit(c.server_a, c.server_b);
    }
    int can_stay = 0;
    for (int a = 0; a < servers; ++a) {
      for (int b = a + 1; b < servers; ++b) can_stay += std::min(lit(a, b), wanted(a, b));
    }
    const auto stayed = std::ranges::count_if(
        after, [&](const Circuit& c) { return std::ranges::find(present, c) != present.end(); });
    EXPECT_GE(stayed, can_stay) << "round " << round;
    present = after;
  }
}

TEST(MinimalMapper, MovesAtMostHalfOfWhatMappingFromScratchDoes) {
  // 200 iterations of demands that drift.
  MinimalMapper mapper;
  NicMapper scratch;
  GreedyAllocator greedy;
  std::vector<Circuit> minimal_now;
  std::vector<Circuit> scratch_now;
  int minimal = 0;
  int from_scratch = 0;
  ServerDemand demand = random_demand(8, 1);
  for (int iteration = 0; iteration < 200; ++iteration) {
    Random random(derive_seed(11, iteration));
    for (auto& bytes : demand.cells()) {
      bytes = (bytes * 3 + static_cast<std::int64_t>(random.below(1000))) / 4;
    }
    const CircuitCounts wanted = greedy.allocate(demand, 6);
    const std::vector<Circuit> a = mapper.map(minimal_now, wanted, kNuma, all_usable(8));
    const std::vector<Circuit> b = scratch.map(wanted, kNuma);
    if (iteration > 0) {
      minimal += moved_ports(minimal_now, a);
      from_scratch += moved_ports(scratch_now, b);
    }
    minimal_now = a;
    scratch_now = b;
  }
  EXPECT_LE(2 * minimal, from_scratch) << minimal << " against " << from_scratch;
}

TEST(MinimalMapper, SaysWhatIsWrong) {
  MinimalMapper mapper;
  CircuitCounts wanted(2, 2);
  wanted(0, 1) = wanted(1, 0) = 7;
  EXPECT_THROW(mapper.map({}, wanted, kNuma, all_usable(2)), Error);
  wanted(0, 1) = 1;
  EXPECT_THROW(mapper.map({}, wanted, kNuma, all_usable(2)), Error) << "not symmetric";
  wanted(1, 0) = 1;
  const std::vector<Circuit> twice = {{0, 0, 1, 0}, {0, 0, 1, 1}};
  EXPECT_THROW(mapper.map(twice, wanted, kNuma, all_usable(2)), Error);
  const std::vector<Circuit> nowhere = {{0, 6, 1, 0}};
  EXPECT_THROW(mapper.map(nowhere, wanted, kNuma, all_usable(2)), Error);
}

}  // namespace
}  // namespace mixnet
