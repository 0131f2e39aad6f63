#include "network/flow_list.h"

#include <algorithm>

#include "network/flow_starts.h"

namespace mixnet {

std::size_t first_flow_that_never_starts(const FlowList& list) {
  if (list.triggers.empty() && list.behind.empty()) return list.flows.size();
  // Every flow that starts ends: what start they have does not matter.
  std::vector<FlowRecord> flows = list.flows;
  FlowStarts starts(flows, list.triggers, list.behind);
  std::vector<std::size_t> ready;
  for (const std::uint32_t f : starts.by_start()) {
    if (starts.due(f)) ready.push_back(f);
  }
  std::vector<bool> starts_ever(flows.size());
  while (!ready.empty()) {
    const std::size_t f = ready.back();
    ready.pop_back();
    starts_ever[f] = true;
    starts.end(f, Time::zero(), ready);
  }
  return static_cast<std::size_t>(std::ranges::find(starts_ever, false) - starts_ever.begin());
}

}  // namespace mixnet
