#include "network/fluid_problem.h"

#include <tuple>

namespace mixnet::fluid {

void FluidProblem::list_arrivals(std::span<const std::uint32_t> of,
                                 std::vector<Arrival>& arrivals) const {
  arrivals.clear();
  for (const std::uint32_t c : of) {
    const FluidClass& k = classes[c];
    std::int64_t last = flows[members[k.arrive].flow].start;
    arrivals.push_back({last, c});
    if (!staggered) continue;
    for (std::uint32_t i = k.arrive + 1; i != k.end; ++i) {
      const std::int64_t start = flows[members[i].flow].start;
      if (start != last) arrivals.push_back({last = start, c});
    }
  }
  if (!staggered) return;
  std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
    return std::tie(a.start, a.flow_class) < std::tie(b.start, b.flow_class);
  });
}

}  // namespace mixnet::fluid
