// The clock of what runs beside real machines: a moment in Unix time, and the time between two.
//
//   Instant   integer nanoseconds since 1970-01-01 00:00 UTC, leap seconds not counted;
//             the range is +-292 years: 1677 to 2262
//   Duration  integer nanoseconds, likewise
//
// Simulated time is Time (units.h), which counts picoseconds and ends after 106 days; a controller
// lives for years. A simulator that drives one starts at any Instant and adds Duration::of(time).
// Nothing wraps: sums, differences and products stop at the ends of the range. Pure values of 64
// bits; thread-safe; cost as such.
#pragma once

#include <compare>
#include <cstdint>

#include "base/saturating.h"
#include "base/units.h"

namespace mixnet {

struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration zero() { return {0}; }
  static constexpr Duration max() { return {kMostInt64}; }
  static constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
  static constexpr Duration microseconds(std::int64_t n) { return {saturating_product(n, 1'000)}; }
  static constexpr Duration milliseconds(std::int64_t n) {
    return {saturating_product(n, 1'000'000)};
  }
  static constexpr Duration seconds(std::int64_t n) {
    return {saturating_product(n, 1'000'000'000)};
  }
  static constexpr Duration hours(std::int64_t n) { return seconds(saturating_product(n, 3'600)); }
  static constexpr Duration days(std::int64_t n) { return seconds(saturating_product(n, 86'400)); }
  /// Rounds up, so that what is waited for is not early. For ever is max().
  static constexpr Duration of(Time time) {
    if (!time.is_finite()) return {time.ps};
    return {time.ps / 1'000 + (time.ps % 1'000 > 0 ? 1 : 0)};
  }
  /// Over 106 days: for ever.
  constexpr Time to_time() const { return Time::nanoseconds(ns); }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const { return {saturating_sum(ns, other.ns)}; }
  constexpr Duration operator-(Duration other) const {
    return {saturating_difference(ns, other.ns)};
  }
  constexpr Duration& operator+=(Duration other) { return *this = *this + other; }
  constexpr Duration& operator-=(Duration other) { return *this = *this - other; }
  constexpr Duration operator*(std::int64_t factor) const {
    return {saturating_product(ns, factor)};
  }
  /// Towards zero. `divisor` > 0.
  constexpr Duration operator/(std::int64_t divisor) const { return {ns / divisor}; }
};

struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant unix_seconds(std::int64_t n) {
    return {saturating_product(n, 1'000'000'000)};
  }
  static constexpr Instant earliest() { return {kLeastInt64}; }
  static constexpr Instant latest() { return {kMostInt64}; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration span) const { return {saturating_sum(ns, span.ns)}; }
  constexpr Instant operator-(Duration span) const { return {saturating_difference(ns, span.ns)}; }
  constexpr Duration operator-(Instant other) const {
    return {saturating_difference(ns, other.ns)};
  }
  constexpr Instant& operator+=(Duration span) { return *this = *this + span; }
};

}  // namespace mixnet
