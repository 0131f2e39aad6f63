#include "circuits/balanced_time.h"

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

TEST(BalancedTime, CountsTheEpsInCircuits) {
  // An EPS of half a circuit beside one circuit: two thirds of the bytes go by the circuit.
  Matrix<std::int64_t> bytes(2, 2);
  bytes(0, 1) = 300;
  CircuitCounts circuits(2, 2);
  circuits(0, 1) = circuits(1, 0) = 1;
  EXPECT_DOUBLE_EQ(balanced_time(bytes, circuits, 0.5), 200);
  // Dark for the first 100, the circuit leaves 250 to both: 50 + 100 + 50 + 100.
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, CircuitCounts(2, 2), circuits, 100, 0.5),
                   800 / 3.0);
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
  const int first_is_cut_off[] = {0, 2};
  EXPECT_EQ(balanced_time(bytes, none, first_is_cut_off), std::numeric_limits<double>::infinity());
}

TEST(BalancedTime, CircuitsThatLightUpLater) {
  ServerDemand bytes(2, 2);
  bytes(0, 1) = 900;
  const CircuitCounts none(2, 2);
  CircuitCounts two(2, 2);
  two(0, 1) = two(1, 0) = 2;
  // One EPS NIC carries 100 until the light comes at 100; three NICs carry the other 800.
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, none, two, 100, 1), 100 + 800 / 3.0);
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, none, two, 0, 1), 300);
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, none, two, 1e6, 1), 900);
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, two, two, 1e6, 1), 300);
  EXPECT_DOUBLE_EQ(balanced_time_while_moving(bytes, two, none, 5, 1), 300);

  for (int round = 0; round < 200; ++round) {  // never later than waiting for the light
    Random random(derive_seed(21, round));
    ServerDemand demand(5, 5);
    for (auto& b : demand.cells()) b = static_cast<std::int64_t>(random.below(1000));
    CircuitCounts lit(5, 5);
    CircuitCounts all(5, 5);
    for (int s = 0; s < 5; ++s) {
      for (int t = 0; t < s; ++t) {
        all(s, t) = all(t, s) = static_cast<std::int32_t>(random.below(3));
        lit(s, t) = lit(t, s) = static_cast<std::int32_t>(random.below(all(s, t) + 1));
      }
    }
    CircuitCounts dark = all;
    for (std::size_t i = 0; i < dark.cells().size(); ++i) dark.cells()[i] -= lit.cells()[i];
    const double at = 500 * random.uniform();
    const double moving = balanced_time_while_moving(demand, lit, dark, at, 1);
    EXPECT_LE(moving, at + balanced_time(demand, all, 1) + 1e-9);
    EXPECT_LE(moving, balanced_time(demand, lit, 1) + 1e-9);
    EXPECT_GE(moving, balanced_time(demand, all, 1) - 1e-9);
  }
}

}  // namespace
}  // namespace mixnet
