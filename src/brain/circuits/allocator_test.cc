#include "circuits/allocator.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "circuits/balanced_time.h"

namespace mixnet {
namespace {

TEST(CircuitAllocator, NamesAndKinds) {
  for (const AllocatorKind kind :
       {AllocatorKind::kGreedy, AllocatorKind::kRefined, AllocatorKind::kExact}) {
    EXPECT_EQ(parse<AllocatorKind>(to_string(kind), "--allocator"), kind);
  }
  try {
    parse<AllocatorKind>("gredy", "--allocator");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "--allocator: unknown allocator 'gredy'; did you mean 'greedy'? known: greedy, "
                 "refined, exact");
  }
}

TEST(CircuitAllocator, BetterOnesAreFaster) {
  // Two circuits a server, six servers in a ring of heavy pairs with light ones across.
  ServerDemand demand(6, 6);
  for (int s = 0; s < 6; ++s) {
    for (int t = 0; t < 6; ++t) demand(s, t) = s == t ? 0 : 10 + (s * 7 + t * 5) % 17;
    demand(s, (s + 1) % 6) = 100;
  }
  const auto time = [&](AllocatorKind kind) {
    return balanced_time(demand, make_allocator(kind)->allocate(demand, 2, 1), 1);
  };
  EXPECT_LE(time(AllocatorKind::kRefined), time(AllocatorKind::kGreedy));
  EXPECT_LE(time(AllocatorKind::kExact), time(AllocatorKind::kRefined) * (1 + 1e-3));
}

}  // namespace
}  // namespace mixnet
