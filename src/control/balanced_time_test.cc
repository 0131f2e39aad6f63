#include "control/balanced_time.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/random.h"

namespace mixnet {
namespace {

/// What must pass through the busiest server's EPS NICs when circuits have carried for `time`.
bool enough(const Matrix<std::int64_t>& bytes, const CircuitCounts& circuits, int eps_nics,
            double time) {
  for (const bool in : {false, true}) {
    for (std::size_t s = 0; s < bytes.rows(); ++s) {
      double rest = 0;
      for (std::size_t t = 0; t < bytes.rows(); ++t) {
        if (s == t) continue;
        const auto wanted = static_cast<double>(in ? bytes(t, s) : bytes(s, t));
        rest += std::max(0.0, wanted - circuits(s, t) * time);
      }
      if (rest > eps_nics * time) return false;
    }
  }
  return true;
}

TEST(BalancedTime, AgreesWithBisection) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t n = 2 + random.below(7);
    const int eps_nics = 1 + static_cast<int>(random.below(4));
    Matrix<std::int64_t> bytes(n, n);
    CircuitCounts circuits(n, n);
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t t = 0; t < n; ++t) {
        const std::uint64_t most = random.below(4) == 0 ? 1'000'000'000'000 : 1'000'000;
        bytes(s, t) = random.below(5) == 0 ? 0 : static_cast<std::int64_t>(random.below(most));
      }
      for (std::size_t t = 0; t < s; ++t) {
        circuits(s, t) = circuits(t, s) = static_cast<std::int32_t>(random.below(4));
      }
    }
    double low = 0;
    double high = 1e14;
    for (int step = 0; step < 200; ++step) {
      const double middle = (low + high) / 2;
      (enough(bytes, circuits, eps_nics, middle) ? high : low) = middle;
    }
    EXPECT_NEAR(balanced_time(bytes, circuits, eps_nics), high, 1e-9 * high + 1e-9);
  }
}

TEST(BalancedTime, KnowsTheEnds) {
  Matrix<std::int64_t> bytes(2, 2);
  CircuitCounts none(2, 2);
  EXPECT_EQ(balanced_time(bytes, none, 2), 0);
  bytes(0, 1) = 900;
  EXPECT_DOUBLE_EQ(balanced_time(bytes, none, 2), 450);
  CircuitCounts seven(2, 2);
  seven(0, 1) = seven(1, 0) = 7;
  EXPECT_DOUBLE_EQ(balanced_time(bytes, seven, 2), 100);
  // Without EPS NICs the slowest circuit counts, and ends even where the division has a remainder.
  EXPECT_DOUBLE_EQ(balanced_time(bytes, seven, 0), 900 / 7.0);
  for (std::int64_t big = 999'999'999'999'937; big < 1'000'000'000'000'037; ++big) {
    bytes(0, 1) = big;
    EXPECT_DOUBLE_EQ(balanced_time(bytes, seven, 0), static_cast<double>(big) / 7);
  }
  EXPECT_EQ(balanced_time(bytes, none, 0), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace mixnet
