#include "base/number_text.h"

#include <fmt/format.h>

#include <cstddef>

namespace mixnet {

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace mixnet
