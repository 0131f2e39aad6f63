#include "circuits/completion_time.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {
namespace {

constexpr Bandwidth kRate = Bandwidth::gbps(8);  // 1 GB/s: 1000 bytes take 1 us

TEST(CompletionTime, CircuitsServeTheirPairsAndEpsTheRest) {
  ServerDemand demand(3, 3);
  demand(0, 0) = 1'000'000;  // stays in the server
  demand(0, 1) = 6000;
  demand(1, 0) = 9000;
  demand(0, 2) = 1000;
  demand(2, 0) = 3000;
  demand(1, 2) = 4000;
  CircuitCounts counts(3, 3);
  counts(0, 1) = counts(1, 0) = 3;
  const CompletionTime time = circuits_first_time(demand, counts, 2, kRate);
  EXPECT_EQ(time.circuits, Time::microseconds(3));  // 9000 bytes on three circuits
  EXPECT_EQ(time.eps_pairs, 2);
  EXPECT_EQ(time.eps_bytes, Bytes{8000});
  EXPECT_EQ(time.eps, Time::nanoseconds(2500));  // server 2 receives 5000 on two NICs
  EXPECT_EQ(time.whole(), Time::microseconds(3));
  // Server 1 sends 13000, more than any server sends or receives, over five NICs.
  EXPECT_EQ(completion_lower_bound(demand, 5, kRate), Time::nanoseconds(2600));
}

TEST(CompletionTime, WithoutEpsNicsPairsWithoutCircuitsNeverEnd) {
  ServerDemand demand(2, 2);
  const CircuitCounts none(2, 2);
  EXPECT_EQ(circuits_first_time(demand, none, 0, kRate).whole(), Time::zero());
  demand(1, 0) = 1;
  EXPECT_EQ(circuits_first_time(demand, none, 0, kRate).whole(), Time::max());
}

TEST(CompletionTime, NeverBelowTheBound) {
  GreedyAllocator allocator;
  for (std::uint64_t trial = 0; trial < 500; ++trial) {
    Random random(derive_seed(31, trial));
    const std::size_t servers = 2 + random.below(12);
    ServerDemand demand(servers, servers);
    for (std::int64_t& cell : demand.cells()) {
      cell = static_cast<std::int64_t>(random.below(1'000'000));
    }
    const CompletionTime time =
        circuits_first_time(demand, allocator.allocate(demand, 6), 2, kRate);
    EXPECT_GE(time.whole(), completion_lower_bound(demand, 8, kRate));
  }
}

}  // namespace
}  // namespace mixnet
