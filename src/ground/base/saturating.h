// Integer arithmetic that stops at the ends of the range instead of wrapping.
//
// The ends are +-INT64_MAX, so that negation is exact; INT64_MIN counts as -INT64_MAX. What the
// types of units.h and instant.h add, subtract and multiply by. Pure; each is the plain operation
// and a jump that is not taken (`jo`).
#pragma once

#include <cmath>
#include <cstdint>

namespace mixnet {

inline constexpr std::int64_t kMostInt64 = INT64_MAX;
inline constexpr std::int64_t kLeastInt64 = -INT64_MAX;

constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) [[unlikely]]
    return a > 0 ? kMostInt64 : kLeastInt64;
  return sum;
}

constexpr std::int64_t saturating_difference(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) [[unlikely]] {
    return b < 0 ? kMostInt64 : kLeastInt64;
  }
  return difference;
}

constexpr std::int64_t saturating_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) [[unlikely]] {
    return (a > 0) == (b > 0) ? kMostInt64 : kLeastInt64;
  }
  return product;
}

/// Rounded to the nearest; what is not a number counts as the most.
inline std::int64_t saturating_round(double value) {
  constexpr double kLimit = 0x1p63;  // doubles below it are at most 2^63 - 1024
  if (value <= -kLimit) [[unlikely]]
    return kLeastInt64;
  if (value < kLimit) [[likely]]
    return std::llround(value);
  return kMostInt64;
}

}  // namespace mixnet
