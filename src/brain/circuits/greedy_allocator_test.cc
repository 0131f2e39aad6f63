#include "circuits/greedy_allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "circuits/completion_time.h"

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
// std::stable_sort() takes its buffer so; all must come from where delete gives back.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
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

/// Which of the pairs without a circuit comes first.
enum class Infinite {
  kMostFreeNics,  ///< the largest min(free[a], free[b]), then the larger demand
  kMostDemand     ///< the larger demand, as a mark to compare with
};

/// Algorithm 1 word for word, corrected: look at all pairs for the longest completion time, serve
/// it or strike it out, until none is left.
CircuitCounts transcription(const ServerDemand& demand, std::vector<int> free_nics,
                            Infinite order = Infinite::kMostFreeNics) {
  __extension__ using Wide = unsigned __int128;
  struct Seen {
    std::size_t a, b;
    Wide demand;
    Wide circuits;
    int nics;
  };
  const auto comes_first = [&](const Seen& x, const Seen& y) {
    if (x.circuits == 0 && y.circuits == 0) {
      if (order == Infinite::kMostFreeNics && x.nics != y.nics) return x.nics > y.nics;
      return x.demand > y.demand;
    }
    if (x.circuits == 0 || y.circuits == 0) return x.circuits == 0;
    return x.demand * y.circuits > y.demand * x.circuits;
  };
  const std::size_t n = demand.rows();
  CircuitCounts counts(n, n);
  Matrix<int> struck(n, n);
  while (true) {
    std::optional<Seen> first;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b) {
        const Seen seen{a, b, static_cast<Wide>(demand(a, b)) + static_cast<Wide>(demand(b, a)),
                        static_cast<Wide>(counts(a, b)), std::min(free_nics[a], free_nics[b])};
        if (seen.demand == 0 || struck(a, b) != 0) continue;
        if (!first || comes_first(seen, *first)) first = seen;
      }
    }
    if (!first) return counts;
    if (first->nics > 0) {
      --free_nics[first->a];
      --free_nics[first->b];
      ++counts(first->a, first->b);
      ++counts(first->b, first->a);
    } else {
      struck(first->a, first->b) = 1;
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

TEST(Greedy, GivesEverybodyANicBeforeAnybodyTheSecond) {
  // {0,1} 100, {0,2} 90, {1,2} 80, {2,3} 1. After {0,1}, only {2,3} has two free NICs at both ends.
  // By demand alone, {0,2} and {1,2} would be next, and server 3 would be left without a circuit.
  GreedyAllocator allocator;
  const ServerDemand demand =
      demand_of({{0, 100, 90, 0}, {0, 0, 80, 0}, {0, 0, 0, 1}, {0, 0, 0, 0}});
  const CircuitCounts rounds = counts_of({{0, 1, 1, 0}, {1, 0, 0, 0}, {1, 0, 0, 1}, {0, 0, 1, 0}});
  EXPECT_EQ(allocator.allocate(demand, 2), rounds);
  EXPECT_EQ(transcription(demand, std::vector<int>(4, 2), Infinite::kMostDemand),
            counts_of({{0, 1, 1, 0}, {1, 0, 1, 0}, {1, 1, 0, 0}, {0, 0, 0, 0}}));
}

TEST(Greedy, BeginsWithTheServersThatHaveMostNics) {
  // Servers 2 and 3 have three NICs, the others one or two: {2,3} is first in spite of its demand.
  GreedyAllocator allocator;
  const ServerDemand demand = demand_of({{0, 0, 9, 8}, {0, 0, 7, 6}, {0, 0, 0, 1}, {0, 0, 0, 0}});
  EXPECT_EQ(allocator.allocate(demand, std::vector<int>{1, 2, 3, 3}),
            counts_of({{0, 0, 1, 0}, {0, 0, 1, 1}, {1, 1, 0, 1}, {0, 1, 1, 0}}));
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

// Eight servers and six circuits each, all pairs alike, as in DeepSeek's regions: everybody gets
// six partners, and the one pair that each lacks has two EPS NICs for itself. By demand alone,
// servers 0 to 6 join among themselves, and all seven pairs of server 7 share its two EPS NICs.
TEST(Greedy, EqualDemandsLeaveNoServerAlone) {
  constexpr Bandwidth kRate = Bandwidth::gbps(8);  // 1 GB/s: 1000 bytes take 1 us
  const ServerDemand demand(8, 8, 1000);
  GreedyAllocator allocator;
  const CircuitCounts& counts = allocator.allocate(demand, 6);
  EXPECT_EQ(circuits_in(counts), 24);
  for (std::size_t a = 0; a < 8; ++a) {
    EXPECT_EQ(std::ranges::count(counts.row(a), 1), 6) << "server " << a;
    EXPECT_EQ(std::ranges::count(counts.row(a), 0), 2) << "itself, and the pair that it lacks";
  }
  EXPECT_EQ(circuits_first_time(demand, counts, 2, kRate).whole(), Time::microseconds(1));
  const CircuitCounts by_demand =
      transcription(demand, std::vector<int>(8, 6), Infinite::kMostDemand);
  EXPECT_EQ(std::ranges::count(by_demand.row(7), 0), 8);
  EXPECT_EQ(circuits_first_time(demand, by_demand, 2, kRate).eps, Time::nanoseconds(3500));
}

// The same with demands that differ by up to 20 %: how many times as long as the lower bound.
TEST(Greedy, RoundsAreFasterThanDemandAloneOnNearlyEqualDemands) {
  constexpr Bandwidth kRate = Bandwidth::gbps(400);
  constexpr int kTrials = 1000;
  GreedyAllocator allocator;
  double rounds = 0;
  double by_demand = 0;
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    Random random(derive_seed(16, trial));
    ServerDemand demand(8, 8);
    for (std::int64_t& cell : demand.cells()) {
      cell = 80'000'000 + static_cast<std::int64_t>(random.below(40'000'001));
    }
    const auto bound = static_cast<double>(completion_lower_bound(demand, 8, kRate).ps);
    const auto over_bound = [&](const CircuitCounts& counts) {
      return static_cast<double>(circuits_first_time(demand, counts, 2, kRate).whole().ps) / bound;
    };
    rounds += over_bound(allocator.allocate(demand, 6));
    by_demand += over_bound(transcription(demand, std::vector<int>(8, 6), Infinite::kMostDemand));
  }
  RecordProperty("rounds", std::to_string(rounds / kTrials));
  RecordProperty("by_demand", std::to_string(by_demand / kTrials));
  EXPECT_LT(rounds / kTrials, 1.32);
  EXPECT_LT(rounds, by_demand);
}

// One all-to-all of Mixtral 8x7B as measured in production, tokens from EP rank to expert
// (data/routing/production_mixtral_8x7b.csv), every EP rank taken as one server.
TEST(Greedy, ProductionMatrixUsesEveryNic) {
  const ServerDemand tokens = demand_of({{9810, 5338, 1231, 3042, 4452, 2004, 841, 6050},
                                         {9278, 6282, 839, 3722, 3821, 2903, 909, 5014},
                                         {10684, 5165, 1044, 2634, 4344, 3333, 675, 4889},
                                         {10897, 5629, 1086, 2114, 2762, 3463, 1059, 5758},
                                         {8684, 5666, 1046, 3955, 4334, 2952, 944, 5187},
                                         {8361, 5908, 777, 3043, 3984, 3422, 897, 6376},
                                         {10208, 5507, 1117, 4148, 3967, 3119, 904, 3798},
                                         {9781, 5211, 902, 3343, 4289, 2839, 1008, 5395}});
  constexpr Bandwidth kRate = Bandwidth::gbps(8);  // a token as a byte: one takes 1 ns
  const std::vector<int> six(8, 6);
  GreedyAllocator allocator;
  const CircuitCounts counts = allocator.allocate(tokens, 6);
  EXPECT_EQ(circuits_in(counts), 24);
  EXPECT_EQ(counts, transcription(tokens, six));
  expect_sound(tokens, counts, six);
  // The slowest is 3 -> 0, the largest of all, on the one circuit of its pair.
  const CompletionTime time = circuits_first_time(tokens, counts, 2, kRate);
  EXPECT_EQ(time.whole(), Time::nanoseconds(10897));
  EXPECT_EQ(time.circuits, time.whole());
  const CircuitCounts by_demand = transcription(tokens, six, Infinite::kMostDemand);
  EXPECT_EQ(circuits_first_time(tokens, by_demand, 2, kRate).whole(), time.whole());
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

// Sizes at which only the largest pairs are listed, and the rest is met in several rounds.
TEST(Greedy, EqualsTheTranscriptionOnLargeRegions) {
  GreedyAllocator allocator;
  for (std::uint64_t trial = 0; trial < 80; ++trial) {
    Random random(derive_seed(13, trial));
    const std::size_t n = 20 + random.below(50);
    const std::uint64_t kinds = trial % 3 == 0 ? 3 : 1'000'000;
    ServerDemand demand = random_demand(random, n, kinds, 1 + random.below(8));
    if (trial % 4 == 0) {  // a few servers hold nearly all of the large demands
      for (std::size_t hot = 0; hot < 4; ++hot) {
        for (std::int64_t& cell : demand.row(hot)) cell *= 1000;
      }
    }
    std::vector<int> free_nics(n, static_cast<int>(1 + random.below(6)));
    if (trial % 5 == 0) {
      for (int& nics : free_nics) nics = static_cast<int>(random.below(10));
    }
    const CircuitCounts& counts = allocator.allocate(demand, free_nics);
    ASSERT_EQ(counts, transcription(demand, free_nics)) << "trial " << trial;
    expect_sound(demand, counts, free_nics);
  }
}

// Servers 0..59 have huge demands among themselves, 60..199 small ones among themselves: the list
// of the largest pairs serves the former and leaves all of the latter to rounds that sample anew.
TEST(Greedy, EqualsTheTranscriptionWhenTheLargestPairsShareFewServers) {
  Random random(17);
  ServerDemand demand = random_demand(random, 200, 1'000'000, 8);
  for (std::size_t a = 0; a < 200; ++a) {
    for (std::size_t b = 0; b < 200; ++b) {
      if (a < 60 && b < 60) demand(a, b) += 1'000'000'000;
      if ((a < 60) != (b < 60)) demand(a, b) = 0;
    }
  }
  GreedyAllocator allocator;
  const std::vector<int> free_nics(200, 2);
  const CircuitCounts& counts = allocator.allocate(demand, free_nics);
  EXPECT_EQ(counts, transcription(demand, free_nics));
  expect_sound(demand, counts, free_nics);
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
