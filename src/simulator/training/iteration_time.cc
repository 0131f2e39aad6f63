#include "training/iteration_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace mixnet {

void check_invariants(const IterationTime& time) {
  const auto broken = [](std::string_view what) {
    throw std::logic_error(fmt::format("invariant of an iteration broken: {}", what));
  };
  const Time parts[] = {time.compute, time.ep,     time.tp,   time.pp,
                        time.dp,      time.bubble, time.lost, time.reconfiguration};
  double sum = 0;
  for (const Time part : parts) {
    if (part < Time::zero()) broken(fmt::format("a part takes {}", to_string(part)));
    sum += part.to_seconds();
  }
  const double total = time.total.to_seconds();
  if (time.total < time.compute) {
    broken(fmt::format("it takes {}, its computation {}", to_string(time.total),
                       to_string(time.compute)));
  }
  // Each part is rounded to a picosecond, each mean over GPUs once.
  if (std::abs(sum - total) > 1e-9 + 1e-9 * total) {
    broken(fmt::format("its parts take {} s, all of it {} s", sum, total));
  }
}

}  // namespace mixnet
