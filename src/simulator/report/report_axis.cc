#include "report/report_axis.h"

#include <cmath>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

std::optional<double> plain_number(const std::string& text) {
  const auto number = number_in<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

template <typename Read>
std::optional<std::vector<double>> all_numbers(const ReportAxis& axis, Read&& read) {
  std::vector<double> numbers;
  for (const FlagValue& value : axis.values) {
    if (!value) return std::nullopt;
    try {
      const std::optional<double> number = read(*value);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    } catch (const Error&) {
      return std::nullopt;  // no quantity of this kind
    }
  }
  return numbers;
}

}  // namespace

std::optional<AxisScale> axis_scale(const ReportAxis& axis) {
  using Number = std::optional<double>;
  if (axis.values.size() < 2) return std::nullopt;
  if (auto plain = all_numbers(axis, plain_number)) return AxisScale{"", *plain};
  const auto gbps = [](const std::string& text) -> Number {
    return parse_bandwidth(text, "axis").to_gbps();
  };
  if (auto speeds = all_numbers(axis, gbps)) return AxisScale{"Gb/s", *speeds};
  const auto seconds = [](const std::string& text) -> Number {
    return static_cast<double>(parse_time(text, "axis").ps) / 1e12;  // rounded once
  };
  if (auto times = all_numbers(axis, seconds)) return AxisScale{"s", *times};
  const auto bytes = [](const std::string& text) -> Number {
    return static_cast<double>(parse_bytes(text, "axis").count);
  };
  if (auto sizes = all_numbers(axis, bytes)) return AxisScale{"B", *sizes};
  return std::nullopt;
}

}  // namespace mixnet
