#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "base/error.h"

namespace mixnet {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kBandwidthUnits = {
    Unit{"bps", 1},      Unit{"b/s", 1},      Unit{"bit/s", 1},    Unit{"kbps", 1e3},
    Unit{"Kbps", 1e3},   Unit{"kb/s", 1e3},   Unit{"kbit/s", 1e3}, Unit{"Mbps", 1e6},
    Unit{"Mb/s", 1e6},   Unit{"Mbit/s", 1e6}, Unit{"Gbps", 1e9},   Unit{"Gb/s", 1e9},
    Unit{"Gbit/s", 1e9}, Unit{"Tbps", 1e12},  Unit{"Tb/s", 1e12},  Unit{"Tbit/s", 1e12},
    Unit{"gbps", 1e9},   Unit{"tbps", 1e12},
};
constexpr std::array kTimeUnits = {
    Unit{"ps", 1},   Unit{"ns", 1e3}, Unit{"us", 1e6},
    Unit{"ms", 1e9}, Unit{"s", 1e12}, Unit{"min", 60e12},
};
constexpr std::array kByteUnits = {
    Unit{"B", 1},        Unit{"kB", 1e3},        Unit{"KB", 1e3},
    Unit{"MB", 1e6},     Unit{"GB", 1e9},        Unit{"TB", 1e12},
    Unit{"KiB", 1024.0}, Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0},
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::int64_t parse_quantity(std::string_view text, std::string_view input,
                            std::span<const Unit> units, std::string_view example) {
  const auto fail = [&](std::string_view problem) -> std::int64_t {
    throw Error(input, fmt::format("'{}' {}", text, problem),
                fmt::format("write it as '{}'", example));
  };
  const std::string_view body = trimmed(text);
  double value = 0;
  const auto [end, code] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (code != std::errc{}) return fail("is not a number with a unit");
  const std::string_view suffix = trimmed(body.substr(static_cast<std::size_t>(end - body.data())));
  if (suffix.empty()) return fail("has no unit");
  if (!std::isfinite(value)) return fail("is not finite");
  if (value < 0) return fail("is negative");
  for (const Unit& unit : units) {
    if (unit.name != suffix) continue;
    const double scaled = value * unit.factor;
    if (scaled > 9e18) return fail("is too large");
    return std::llround(scaled);
  }
  return fail(fmt::format("has an unknown unit '{}'", suffix));
}

struct Scale {
  double from;
  double divisor;
  std::string_view name;
};

/// `of_nothing`: the unit of 0.
std::string in_scale(double value, std::span<const Scale> scales, std::string_view of_nothing) {
  if (value == 0) return fmt::format("0 {}", of_nothing);
  for (const Scale& scale : scales) {
    if (std::abs(value) < scale.from) continue;
    const double shown = value / scale.divisor;
    const int digits = std::abs(shown) >= 99.95 ? 0 : std::abs(shown) >= 9.995 ? 1 : 2;
    std::string text = fmt::format("{:.{}f}", shown, digits);
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return fmt::format("{} {}", text, scale.name);
  }
  return fmt::format("{} {}", value / scales.back().divisor, scales.back().name);
}

}  // namespace

Time operator/(Bytes bytes, Bandwidth rate) {
  if (bytes.count == 0) return Time::zero();
  if (rate.bits_per_second <= 0) return Time::max();
  return Time::from_seconds(static_cast<double>(bytes.count) / rate.bytes_per_second());
}

Bandwidth parse_bandwidth(std::string_view text, std::string_view input) {
  return {parse_quantity(text, input, kBandwidthUnits, "400Gbps")};
}
Time parse_time(std::string_view text, std::string_view input) {
  return {parse_quantity(text, input, kTimeUnits, "25ms")};
}
Bytes parse_bytes(std::string_view text, std::string_view input) {
  return {parse_quantity(text, input, kByteUnits, "16MiB")};
}

std::string to_string(Time time) {
  if (!time.is_finite()) return time == Time::max() ? "for ever" : "for ever ago";
  static constexpr std::array kScales = {Scale{1e12, 1e12, "s"}, Scale{1e9, 1e9, "ms"},
                                         Scale{1e6, 1e6, "us"}, Scale{1e3, 1e3, "ns"},
                                         Scale{0, 1, "ps"}};
  return in_scale(static_cast<double>(time.ps), kScales, "s");
}
std::string to_string(Bytes bytes) {
  static constexpr std::array kScales = {Scale{1e12, 1e12, "TB"}, Scale{1e9, 1e9, "GB"},
                                         Scale{1e6, 1e6, "MB"}, Scale{1e3, 1e3, "kB"},
                                         Scale{0, 1, "B"}};
  return in_scale(static_cast<double>(bytes.count), kScales, "B");
}
std::string to_string(Bandwidth rate) {
  static constexpr std::array kScales = {Scale{1e12, 1e12, "Tb/s"}, Scale{1e9, 1e9, "Gb/s"},
                                         Scale{1e6, 1e6, "Mb/s"}, Scale{1e3, 1e3, "kb/s"},
                                         Scale{0, 1, "b/s"}};
  return in_scale(static_cast<double>(rate.bits_per_second), kScales, "b/s");
}

}  // namespace mixnet
