// Quantities with their units as types: no bare double stands for a size, a rate or a time.
//
//   Time       integer picoseconds of simulated time (1 ms = 1e9 ps; the range is +-106 days)
//   Bytes      integer bytes
//   Bandwidth  integer bits per second; 1 Gb/s is 1e9 bit/s
//
// The types convert explicitly only, and the arithmetic between them is the physical one:
// Bytes / Bandwidth = Time. Prefixes are decimal (1 GB = 1e9 bytes) unless written binary (GiB).
//
// NOTHING WRAPS. Sums, differences, products and conversions stop at the ends of the range, 2^63-1
// to either side. For bytes and bandwidths that is all: an end is "as many as can be counted".
// For times the upper end, Time::max(), means "for ever", as of a phase that cannot end, and
// absorbs whatever is done to it, so that no finite number is ever made of it:
//   for ever + x, for ever - x (for ever - for ever as well), for ever / n   are for ever;
//   for ever * n, scaled(for ever, f)   is for ever, zero for n or f = 0: what never happens takes
//                                       no time; lowest() for a negative one
//   x - for ever = lowest(), which absorbs finite times alike; with for ever, for ever wins.
// So a time that is less than Time::max() was counted right, and whoever adds up times asks once,
// at the end, whether the sum is for ever.
//
// All functions are pure and thread-safe. Values are plain 64-bit integers: cost as such, and a
// few jumps that are not taken.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/saturating.h"

namespace mixnet {

struct Time {
  std::int64_t ps = 0;

  static constexpr Time zero() { return {0}; }
  static constexpr Time max() { return {kMostInt64}; }      ///< for ever
  static constexpr Time lowest() { return {kLeastInt64}; }  ///< before all that can be counted
  /// Rounds to the nearest picosecond. What is not a number is for ever: it is not known to end.
  static Time from_seconds(double seconds) { return {saturating_round(seconds * 1e12)}; }
  static constexpr Time picoseconds(std::int64_t n) { return {n}; }
  static constexpr Time nanoseconds(std::int64_t n) { return {saturating_product(n, 1'000)}; }
  static constexpr Time microseconds(std::int64_t n) { return {saturating_product(n, 1'000'000)}; }
  static constexpr Time milliseconds(std::int64_t n) {
    return {saturating_product(n, 1'000'000'000)};
  }
  static constexpr Time seconds(std::int64_t n) {
    return {saturating_product(n, 1'000'000'000'000)};
  }
  constexpr double to_seconds() const { return static_cast<double>(ps) * 1e-12; }

  /// Neither for ever nor lowest().
  constexpr bool is_finite() const { return ps < kMostInt64 && ps > kLeastInt64; }

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time operator+(Time other) const {
    if (is_finite() && other.is_finite()) [[likely]]
      return {saturating_sum(ps, other.ps)};
    return *this == max() || other == max() ? max() : lowest();
  }
  constexpr Time operator-(Time other) const {
    if (is_finite() && other.is_finite()) [[likely]]
      return {saturating_difference(ps, other.ps)};
    return is_finite() ? (other == max() ? lowest() : max()) : *this;
  }
  constexpr Time& operator+=(Time other) { return *this = *this + other; }
  constexpr Time& operator-=(Time other) { return *this = *this - other; }
  constexpr Time operator*(std::int64_t factor) const { return {saturating_product(ps, factor)}; }
  /// Towards zero. `divisor` > 0.
  constexpr Time operator/(std::int64_t divisor) const {
    return is_finite() ? Time{ps / divisor} : *this;
  }
};

/// Rounds to the nearest picosecond.
inline Time scaled(Time time, double factor) {
  if (time.is_finite()) [[likely]]
    return Time::from_seconds(time.to_seconds() * factor);
  return factor == 0 ? Time::zero() : factor < 0 ? Time::zero() - time : time;
}

struct Bytes {
  std::int64_t count = 0;

  static constexpr Bytes zero() { return {0}; }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes other) const { return {saturating_sum(count, other.count)}; }
  constexpr Bytes operator-(Bytes other) const {
    return {saturating_difference(count, other.count)};
  }
  constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }
  constexpr Bytes& operator-=(Bytes other) { return *this = *this - other; }
  constexpr Bytes operator*(std::int64_t factor) const {
    return {saturating_product(count, factor)};
  }
};

struct Bandwidth {
  std::int64_t bits_per_second = 0;

  static constexpr Bandwidth gbps(std::int64_t n) { return {saturating_product(n, 1'000'000'000)}; }
  constexpr double to_gbps() const { return static_cast<double>(bits_per_second) / 1e9; }
  constexpr double bytes_per_second() const { return static_cast<double>(bits_per_second) / 8; }
  constexpr auto operator<=>(const Bandwidth&) const = default;
  constexpr Bandwidth operator+(Bandwidth other) const {
    return {saturating_sum(bits_per_second, other.bits_per_second)};
  }
  constexpr Bandwidth operator*(std::int64_t factor) const {
    return {saturating_product(bits_per_second, factor)};
  }
};

/// The mean of many times, exactly: a sum may be over the range of Time where the mean is not.
/// Of none, zero; of any that is not finite, for ever. Cost of add(): an addition of 128 bits.
class MeanTime {
 public:
  constexpr void add(Time time) {
    sum_ += time.ps;
    finite_ = finite_ && time.is_finite();
  }
  /// Of the sum over `count` > 0, towards zero.
  constexpr Time over(std::int64_t count) const {
    if (!finite_) return Time::max();
    const Wide mean = sum_ / count;
    if (mean >= kMostInt64) return Time::max();
    return mean > kLeastInt64 ? Time{static_cast<std::int64_t>(mean)} : Time::lowest();
  }

 private:
  __extension__ using Wide = __int128;
  Wide sum_ = 0;
  bool finite_ = true;
};

/// Time to send `bytes` at `rate`. A rate of zero takes for ever (Time::max()).
Time operator/(Bytes bytes, Bandwidth rate);

/// Read a quantity with its unit, as command lines and files carry them: "400Gbps", "1.6 Tb/s";
/// "25ms", "1 us"; "16MiB", "2MB". `input` names the flag or file for the error message.
/// Throws Error on a bare number, an unknown unit, a negative or non-finite value, or overflow.
Bandwidth parse_bandwidth(std::string_view text, std::string_view input);
Time parse_time(std::string_view text, std::string_view input);
Bytes parse_bytes(std::string_view text, std::string_view input);

/// For people: three significant digits and the unit that suits, "1.23 s", "45.6 ms", "400 Gb/s";
/// "for ever".
std::string to_string(Time time);
std::string to_string(Bytes bytes);
std::string to_string(Bandwidth rate);

}  // namespace mixnet
