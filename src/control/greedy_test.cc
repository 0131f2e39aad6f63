#include "control/greedy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace {

std::size_t allocations = 0;

}  // namespace

// Counts the allocations of this test program, for the promise that the workspace is reused.
// Not inlined: GCC would see malloc() and free() through new and delete, and warn of a mismatch.
#ifndef __clang_analyzer__  // nor could the analyser tell new from malloc() any more
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace mixnet {
namespace {

using ::testing::HasSubstr;

ServerDemand demand_of(const std::vector<std::vector<std::int64_t>>& rows) {
  ServerDemand demand(rows.size(), rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) std::ranges::copy(rows[r], demand.row(r).begin());
  return demand;
}

CircuitCounts counts_of(const std::vector<std::vector<std::int32_t>>& rows) {
  CircuitCounts counts(rows.size(), rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) std::ranges::copy(rows[r], counts.row(r).begin());
  return counts;
}

std::int64_t circuits_in(const CircuitCounts& counts) {
  return std::accumulate(counts.cells().begin(), counts.cells().end(), std::int64_t{0}) / 2;
}

/// Algorithm 1 word for word, corrected: look at all pairs for the longest completion time, serve
/// it or strike it out, until none is left.
CircuitCounts transcription(const ServerDemand& demand, std::vector<int> free_nics) {
  __extension__ using Wide = unsigned __int128;
  const std::size_t n = demand.rows();
  CircuitCounts counts(n, n);
  Matrix<int> struck(n, n);
  while (true) {
    bool found = false;
    std::size_t best_a = 0;
    std::size_t best_b = 0;
    Wide best_demand = 0;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b) {
        const Wide sum = static_cast<Wide>(demand(a, b)) + static_cast<Wide>(demand(b, a));
        if (sum == 0 || struck(a, b) != 0) continue;
        const auto given = static_cast<Wide>(counts(a, b));
        const auto best_given = static_cast<Wide>(counts(best_a, best_b));
        bool longer = false;
        if (given == 0 && best_given == 0) {
          longer = sum > best_demand;  // both infinite
        } else {
          longer = sum * best_given > best_demand * given;
        }
        if (!found || longer) {
          found = true;
          best_a = a;
          best_b = b;
          best_demand = sum;
        }
      }
    }
    if (!found) return counts;
    if (free_nics[best_a] > 0 && free_nics[best_b] > 0) {
      --free_nics[best_a];
      --free_nics[best_b];
      ++counts(best_a, best_b);
      ++counts(best_b, best_a);
    } else {
      struck(best_a, best_b) = 1;
    }
  }
}

/// Random demand: `kinds` different values (few make many ties), about `filled` in 8 cells not 0.
ServerDemand random_demand(Random& random, std::size_t n, std::uint64_t kinds, std::uint64_t filled,
                           std::int64_t unit = 1) {
  ServerDemand demand(n, n);
  for (std::int64_t& cell : demand.cells()) {
    if (random.below(8) < filled) cell = unit * static_cast<std::int64_t>(random.below(kinds));
  }
  return demand;
}

void expect_sound(const ServerDemand& demand, const CircuitCounts& counts,
                  const std::vector<int>& free_nics) {
  const std::size_t n = demand.rows();
  ASSERT_EQ(counts.rows(), n);
  ASSERT_EQ(counts.columns(), n);
  std::vector<int> left = free_nics;
  for (std::size_t a = 0; a < n; ++a) {
    EXPECT_EQ(counts(a, a), 0);
    for (std::size_t b = 0; b < n; ++b) {
      EXPECT_GE(counts(a, b), 0);
      EXPECT_EQ(counts(a, b), counts(b, a));
      if (demand(a, b) == 0 && demand(b, a) == 0) {
        EXPECT_EQ(counts(a, b), 0);
      }
      left[a] -= counts(a, b);
    }
    EXPECT_GE(left[a], 0) << "server " << a;
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      if (a != b && demand(a, b) > 0) {
        EXPECT_TRUE(left[a] == 0 || left[b] == 0) << a << "," << b << " could have one more";
      }
    }
  }
}

TEST(Greedy, GivesOnePairAllItsNics) {
  GreedyAllocator allocator;
  EXPECT_EQ(allocator.allocate(demand_of({{0, 5}, {0, 0}}), 6), counts_of({{0, 6}, {6, 0}}));
}

TEST(Greedy, ServesEveryPairBeforeAnyTwice) {
  // {0,1} is far larger, but {0,2} and {1,2} have an infinite time until they hold a circuit.
  GreedyAllocator allocator;
  const ServerDemand demand = demand_of({{0, 1000, 1}, {0, 0, 0}, {0, 1, 0}});
  EXPECT_EQ(allocator.allocate(demand, 2), counts_of({{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}));
  EXPECT_EQ(allocator.allocate(demand, 4), counts_of({{0, 3, 1}, {3, 0, 1}, {1, 1, 0}}));
}

TEST(Greedy, GivesTheNextCircuitToTheLongestTime) {
  // Times with one circuit each: {0,1} 90, {0,2} 40. {0,1} gets the next (45), and the next again
  // (30), then {0,2} (20).
  GreedyAllocator allocator;
  const ServerDemand demand = demand_of({{0, 50, 40}, {40, 0, 0}, {0, 0, 0}});
  EXPECT_EQ(allocator.allocate(demand, 3)(0, 1), 2);
  EXPECT_EQ(allocator.allocate(demand, 4)(0, 1), 3);
  EXPECT_EQ(allocator.allocate(demand, 5), counts_of({{0, 3, 2}, {3, 0, 0}, {2, 0, 0}}));
}

TEST(Greedy, GoesOnBehindAPairThatCannotBeServed) {
  // {0,1} takes all of server 0's NICs, so {0,2} cannot be served; {2,3} behind it still can.
  GreedyAllocator allocator;
  const ServerDemand demand =
      demand_of({{0, 100, 50, 0}, {0, 0, 0, 0}, {0, 0, 0, 10}, {0, 0, 0, 0}});
  EXPECT_EQ(allocator.allocate(demand, 1),
            counts_of({{0, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}}));
}

TEST(Greedy, BreaksTiesByTheLowerPair) {
  GreedyAllocator allocator;
  const ServerDemand demand(3, 3, 7);
  EXPECT_EQ(allocator.allocate(demand, 1), counts_of({{0, 1, 0}, {1, 0, 0}, {0, 0, 0}}));
  EXPECT_EQ(allocator.allocate(demand, 3), counts_of({{0, 2, 1}, {2, 0, 1}, {1, 1, 0}}));
}

TEST(Greedy, GivesNothingForNoDemand) {
  GreedyAllocator allocator;
  EXPECT_EQ(allocator.allocate(ServerDemand(), 6).rows(), 0U);
  EXPECT_EQ(allocator.allocate(ServerDemand(1, 1, 9), 6), CircuitCounts(1, 1));
  EXPECT_EQ(allocator.allocate(ServerDemand(5, 5), 6), CircuitCounts(5, 5));
  EXPECT_EQ(allocator.allocate(ServerDemand(5, 5, 9), 0), CircuitCounts(5, 5));
  ServerDemand inside(3, 3);
  for (std::size_t s = 0; s < 3; ++s) inside(s, s) = 1000;
  EXPECT_EQ(allocator.allocate(inside, 6), CircuitCounts(3, 3));
}

// One all-to-all of Mixtral 8x7B as measured in production, tokens from EP rank to expert (shipped
// with the MixNet authors' simulator), every EP rank taken as one server.
TEST(Greedy, ProductionMatrixUsesEveryNic) {
  const ServerDemand tokens = demand_of({{9810, 5338, 1231, 3042, 4452, 2004, 841, 6050},
                                         {9278, 6282, 839, 3722, 3821, 2903, 909, 5014},
                                         {10684, 5165, 1044, 2634, 4344, 3333, 675, 4889},
                                         {10897, 5629, 1086, 2114, 2762, 3463, 1059, 5758},
                                         {8684, 5666, 1046, 3955, 4334, 2952, 944, 5187},
                                         {8361, 5908, 777, 3043, 3984, 3422, 897, 6376},
                                         {10208, 5507, 1117, 4148, 3967, 3119, 904, 3798},
                                         {9781, 5211, 902, 3343, 4289, 2839, 1008, 5395}});
  GreedyAllocator allocator;
  const CircuitCounts counts = allocator.allocate(tokens, 6);
  EXPECT_EQ(circuits_in(counts), 24);
  EXPECT_EQ(counts, transcription(tokens, std::vector<int>(8, 6)));
  expect_sound(tokens, counts, std::vector<int>(8, 6));
}

TEST(Greedy, EqualsTheTranscriptionOnSmallRegions) {
  GreedyAllocator allocator;
  for (std::uint64_t trial = 0; trial < 4000; ++trial) {
    Random random(derive_seed(11, trial));
    const std::size_t n = 1 + random.below(10);
    const std::uint64_t kinds = 1 + random.below(trial % 2 == 0 ? 5 : 100'000);
    const ServerDemand demand = random_demand(random, n, kinds, 1 + random.below(8));
    const int degree = static_cast<int>(random.below(9));
    const std::vector<int> free_nics(n, degree);
    const CircuitCounts& counts = allocator.allocate(demand, degree);
    ASSERT_EQ(counts, transcription(demand, free_nics)) << "trial " << trial;
    expect_sound(demand, counts, free_nics);
  }
}

TEST(Greedy, EqualsTheTranscriptionWithUnequalFreeNics) {
  GreedyAllocator allocator;
  for (std::uint64_t trial = 0; trial < 2000; ++trial) {
    Random random(derive_seed(12, trial));
    const std::size_t n = 2 + random.below(9);
    const ServerDemand demand = random_demand(random, n, 1000, 1 + random.below(8));
    std::vector<int> free_nics(n);
    for (int& nics : free_nics) nics = static_cast<int>(random.below(8));
    const CircuitCounts& counts = allocator.allocate(demand, free_nics);
    ASSERT_EQ(counts, transcription(demand, free_nics)) << "trial " << trial;
    expect_sound(demand, counts, free_nics);
  }
}

// Sizes at which the demands are sampled and served in several rounds.
TEST(Greedy, EqualsTheTranscriptionOnLargeRegions) {
  GreedyAllocator allocator;
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    Random random(derive_seed(13, trial));
    const std::size_t n = 20 + random.below(50);
    const std::uint64_t kinds = trial % 3 == 0 ? 3 : 1'000'000;
    ServerDemand demand = random_demand(random, n, kinds, 1 + random.below(8));
    if (trial % 4 == 0) {  // a few servers hold nearly all of the large demands
      for (std::size_t hot = 0; hot < 4; ++hot) {
        for (std::int64_t& cell : demand.row(hot)) cell *= 1000;
      }
    }
    const int degree = static_cast<int>(1 + random.below(6));
    const std::vector<int> free_nics(n, degree);
    const CircuitCounts& counts = allocator.allocate(demand, degree);
    ASSERT_EQ(counts, transcription(demand, free_nics)) << "trial " << trial;
    expect_sound(demand, counts, free_nics);
  }
}

TEST(Greedy, ComparesHugeDemandsExactly) {
  // INT64_MAX both ways: the sum and its products do not fit in 64 bits, nor in a double.
  const std::int64_t huge = INT64_MAX;
  const ServerDemand demand =
      demand_of({{0, huge - 1, huge}, {huge, 0, huge - 2}, {huge, huge, 0}});
  GreedyAllocator allocator;
  for (int degree = 1; degree < 12; ++degree) {
    EXPECT_EQ(allocator.allocate(demand, degree),
              transcription(demand, std::vector<int>(3, degree)));
  }
  EXPECT_EQ(allocator.allocate(demand, 1), counts_of({{0, 0, 1}, {0, 0, 0}, {1, 0, 0}}));
}

TEST(Greedy, DoesNotDependOnEarlierCalls) {
  GreedyAllocator used;
  for (std::uint64_t trial = 0; trial < 300; ++trial) {
    Random random(derive_seed(14, trial));
    const std::size_t n = 1 + random.below(trial % 10 == 0 ? 100 : 12);
    const ServerDemand demand = random_demand(random, n, 50, 5);
    GreedyAllocator fresh;
    ASSERT_EQ(used.allocate(demand, 6), fresh.allocate(demand, 6));
  }
}

TEST(Greedy, AllocatesNoMemoryInSteadyState) {
  GreedyAllocator allocator;
  Random random(15);
  const ServerDemand large = random_demand(random, 64, 1'000'000, 8);
  const ServerDemand small = random_demand(random, 8, 1'000'000, 8);
  allocator.allocate(large, 6);
  allocator.allocate(small, 6);
  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    allocator.allocate(large, 6);
    allocator.allocate(small, 6);
  }
  EXPECT_EQ(allocations, before);
}

TEST(Greedy, RefusesWhatIsNotADemand) {
  GreedyAllocator allocator;
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message([&] { allocator.allocate(ServerDemand(2, 3), 6); }), HasSubstr("2 x 3"));
  EXPECT_THAT(message([&] { allocator.allocate(ServerDemand(2, 2), -1); }), HasSubstr("-1"));
  const std::vector<int> free_nics(3, 6);
  EXPECT_THAT(message([&] { allocator.allocate(ServerDemand(2, 2), free_nics); }),
              HasSubstr("3 entries for 2 servers"));
}

}  // namespace
}  // namespace mixnet
