#include "training/interrupted_work.h"

#include <algorithm>
#include <cmath>

namespace mixnet {

std::size_t epoch_at(Time time, std::span<const Time> begins) {
  std::size_t epoch = 0;
  while (epoch + 1 < begins.size() && begins[epoch + 1] <= time) ++epoch;
  return epoch;
}

Time end_of_work(Time start, std::span<const Time> begins, std::span<const Time> lengths,
                 Time outage, std::span<WorkPiece> pieces) {
  std::ranges::fill(pieces, WorkPiece{});
  std::size_t epoch = epoch_at(start, begins);
  for (std::size_t e = 1; e <= epoch; ++e) {
    if (lengths[e] != lengths[e - 1]) start = std::max(start, begins[e] + outage);
  }
  double left = 1;
  for (;; ++epoch) {
    const Time length = lengths[epoch];
    const bool whole = left == 1 || !length.is_finite();
    const Time rest = whole ? length : Time{std::llround(left * static_cast<double>(length.ps))};
    const bool is_last = epoch + 1 == begins.size();
    if (is_last || start + rest <= begins[epoch + 1]) {
      pieces[epoch] = {left, start};
      return start + rest;
    }
    const Time change = begins[epoch + 1];
    if (start < change) {
      const double share = length.is_finite() ? static_cast<double>((change - start).ps) /
                                                    static_cast<double>(length.ps)
                                              : 0;
      pieces[epoch] = {share, start};
      left -= share;
      start = change;
    }
    if (lengths[epoch + 1] != length) start = std::max(start, change + outage);
  }
}

}  // namespace mixnet
