// Quantities with their units as types: no bare double stands for a size, a rate or a time.
//
//   Time       integer picoseconds (1 ms = 1e9 ps; the range is +-106 days)
//   Bytes      integer bytes
//   Bandwidth  integer bits per second; 1 Gb/s is 1e9 bit/s
//
// The types convert explicitly only, and the arithmetic between them is the physical one:
// Bytes / Bandwidth = Time. Prefixes are decimal (1 GB = 1e9 bytes) unless written binary (GiB).
// All functions are pure and thread-safe. Values are plain 64-bit integers: cost as such.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace mixnet {

struct Time {
  std::int64_t ps = 0;

  static constexpr Time zero() { return {0}; }
  static constexpr Time max() { return {INT64_MAX}; }
  /// Rounds to the nearest picosecond; values beyond the range saturate.
  static Time from_seconds(double seconds);
  static constexpr Time picoseconds(std::int64_t n) { return {n}; }
  static constexpr Time nanoseconds(std::int64_t n) { return {n * 1'000}; }
  static constexpr Time microseconds(std::int64_t n) { return {n * 1'000'000}; }
  static constexpr Time milliseconds(std::int64_t n) { return {n * 1'000'000'000}; }
  static constexpr Time seconds(std::int64_t n) { return {n * 1'000'000'000'000}; }
  constexpr double to_seconds() const { return static_cast<double>(ps) * 1e-12; }

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time operator+(Time other) const { return {ps + other.ps}; }
  constexpr Time operator-(Time other) const { return {ps - other.ps}; }
  constexpr Time& operator+=(Time other) { return ps += other.ps, *this; }
  constexpr Time& operator-=(Time other) { return ps -= other.ps, *this; }
  constexpr Time operator*(std::int64_t factor) const { return {ps * factor}; }
};

struct Bytes {
  std::int64_t count = 0;

  static constexpr Bytes zero() { return {0}; }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes other) const { return {count + other.count}; }
  constexpr Bytes operator-(Bytes other) const { return {count - other.count}; }
  constexpr Bytes& operator+=(Bytes other) { return count += other.count, *this; }
  constexpr Bytes& operator-=(Bytes other) { return count -= other.count, *this; }
  constexpr Bytes operator*(std::int64_t factor) const { return {count * factor}; }
};

struct Bandwidth {
  std::int64_t bits_per_second = 0;

  static constexpr Bandwidth gbps(std::int64_t n) { return {n * 1'000'000'000}; }
  constexpr double to_gbps() const { return static_cast<double>(bits_per_second) / 1e9; }
  constexpr double bytes_per_second() const { return static_cast<double>(bits_per_second) / 8; }
  constexpr auto operator<=>(const Bandwidth&) const = default;
  constexpr Bandwidth operator+(Bandwidth other) const {
    return {bits_per_second + other.bits_per_second};
  }
  constexpr Bandwidth operator*(std::int64_t factor) const { return {bits_per_second * factor}; }
};

/// Time to send `bytes` at `rate`. A rate of zero takes for ever (Time::max()).
Time operator/(Bytes bytes, Bandwidth rate);

/// Read a quantity with its unit, as command lines and files carry them: "400Gbps", "1.6 Tb/s";
/// "25ms", "1 us"; "16MiB", "2MB". `input` names the flag or file for the error message.
/// Throws Error on a bare number, an unknown unit, a negative or non-finite value, or overflow.
Bandwidth parse_bandwidth(std::string_view text, std::string_view input);
Time parse_time(std::string_view text, std::string_view input);
Bytes parse_bytes(std::string_view text, std::string_view input);

/// For people: three significant digits and the unit that suits, "1.23 s", "45.6 ms", "400 Gb/s".
std::string to_string(Time time);
std::string to_string(Bytes bytes);
std::string to_string(Bandwidth rate);

}  // namespace mixnet
