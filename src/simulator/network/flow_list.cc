#include "network/flow_list.h"

#include <algorithm>

namespace mixnet {

std::size_t first_flow_that_never_starts(const FlowList& list) {
  constexpr std::size_t kNone = SIZE_MAX;
  // The flows that wait for a trigger, as a linked list for each trigger.
  std::vector<std::size_t> first_waiting(list.triggers.size(), kNone);
  std::vector<std::size_t> next_waiting(list.flows.size(), kNone);
  std::vector<std::size_t> ready;
  for (std::size_t f = 0; f < list.flows.size(); ++f) {
    const int after = list.flows[f].after;
    if (after < 0) {
      ready.push_back(f);
    } else {
      next_waiting[f] = first_waiting[static_cast<std::size_t>(after)];
      first_waiting[static_cast<std::size_t>(after)] = f;
    }
  }

  std::vector<int> activations(list.triggers.size());
  std::vector<bool> starts(list.flows.size());
  while (!ready.empty()) {
    const std::size_t f = ready.back();
    ready.pop_back();
    starts[f] = true;
    if (list.flows[f].fires < 0) continue;
    const auto trigger = static_cast<std::size_t>(list.flows[f].fires);
    if (++activations[trigger] != list.triggers[trigger].count) continue;
    for (std::size_t w = first_waiting[trigger]; w != kNone; w = next_waiting[w]) {
      ready.push_back(w);
    }
  }
  return static_cast<std::size_t>(std::ranges::find(starts, false) - starts.begin());
}

}  // namespace mixnet
