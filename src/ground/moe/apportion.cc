#include "moe/apportion.h"

#include <algorithm>
#include <bit>

namespace mixnet {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::int32_t kCapped = -1;

/// What is left to deal out, and the weights that it is dealt to.
struct Pool {
  std::uint64_t total = 0;
  std::uint64_t weight = 0;
};

Pool sum_of(std::span<const std::int32_t> cells, std::int64_t total) {
  Pool pool{static_cast<std::uint64_t>(total), 0};
  for (const std::int32_t weight : cells) pool.weight += static_cast<std::uint64_t>(weight);
  return pool;
}

bool exceeds(std::int32_t weight, std::uint64_t cap, const Pool& pool) {
  return Wide{static_cast<std::uint64_t>(weight)} * pool.total > Wide{cap} * pool.weight;
}

/// Marks the cells whose share is above the cap, until none of the others' is.
void mark_capped(std::span<std::int32_t> cells, std::uint64_t cap, Pool& pool) {
  for (bool changed = true; changed && pool.weight > 0;) {
    changed = false;
    for (std::int32_t& cell : cells) {
      if (cell <= 0 || !exceeds(cell, cap, pool)) continue;
      pool.total -= cap;
      pool.weight -= static_cast<std::uint64_t>(cell);
      cell = kCapped;
      changed = true;
    }
  }
}

}  // namespace

void apportion(std::span<std::int32_t> cells, std::int64_t total, std::int64_t cap,
               std::uint32_t offset) {
  if (cells.empty()) return;
  const auto limit = static_cast<std::uint64_t>(cap);
  Pool pool = sum_of(cells, total);
  const bool capped = exceeds(*std::ranges::max_element(cells), limit, pool);
  if (capped) mark_capped(cells, limit, pool);
  if (pool.weight == 0) {
    for (std::int32_t& cell : cells) {
      if (cell == kCapped) continue;
      cell = 1;
      ++pool.weight;
    }
  }

  // A share is weight * scale / 2^32 in units of 2^-32 of a count. Lifting the weights to a sum of
  // at least 2^32 keeps `scale` in 64 bits. Truncation leaves the line short of `total` by less
  // than 2^-16, the least offset, so its end still falls on `total`.
  const int lift = std::max(0, 33 - static_cast<int>(std::bit_width(pool.weight)));
  const std::uint64_t scale =
      pool.weight == 0
          ? 0
          : static_cast<std::uint64_t>((Wide{pool.total} << 64) / (Wide{pool.weight} << lift));
  std::uint64_t position = std::max(offset, std::uint32_t{1} << 16);
  std::uint64_t dealt = 0;
  for (std::int32_t& cell : cells) {
    if (capped && cell == kCapped) {
      cell = static_cast<std::int32_t>(cap);
      continue;
    }
    position +=
        static_cast<std::uint64_t>((Wide{static_cast<std::uint64_t>(cell) << lift} * scale) >> 32);
    const std::uint64_t reached = position >> 32;
    cell = static_cast<std::int32_t>(reached - dealt);
    dealt = reached;
  }
}

}  // namespace mixnet
