// Turning weights into whole numbers with an exact sum.
//
// Weights are laid end to end on a line of length `total`; cell i gets the whole numbers that its
// stretch covers, the line being shifted by `offset` (systematic rounding). So every cell is its
// exact share rounded down or up, the sum is exact whatever the rounding, and over a uniformly
// random offset the expectation of every cell is its share. All arithmetic is on integers: the same
// result on every machine.
#pragma once

#include <cstdint>
#include <span>

namespace mixnet {

/// Rounds as one expects of a table: an exact share that is whole stays as it is.
inline constexpr std::uint32_t kHalfOffset = std::uint32_t{1} << 31;

/// Replaces the weights in `cells` (each >= 0, in any unit) by counts that sum to `total`, no
/// count above `cap`. What a cell would have above the cap goes to the other cells in proportion to
/// their weights, or evenly where those are all zero; weights that are all zero mean "evenly".
/// `offset` is in units of 2^-32; values below 2^16 count as 2^16.
/// Precondition: 0 <= total < 2^31, and total <= cap * cells.size(), which is less than 2^15 cells.
/// Cost: O(cells), and a pass more for every round in which some cell reaches the cap.
void apportion(std::span<std::int32_t> cells, std::int64_t total, std::int64_t cap,
               std::uint32_t offset);

}  // namespace mixnet
