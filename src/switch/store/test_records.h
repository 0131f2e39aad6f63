// Records that a test knows again.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace mixnet {

/// Of any length up to some pages, and unlike any other.
inline std::string record_of(std::uint64_t number) {
  std::mt19937_64 random(number);
  std::string record = std::to_string(number) + ":";
  record.append(random() % (number % 7 == 0 ? 30'000 : 300), static_cast<char>('a' + number % 26));
  return record;
}

}  // namespace mixnet
