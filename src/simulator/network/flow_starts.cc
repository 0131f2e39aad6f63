#include "network/flow_starts.h"

#include <algorithm>
#include <utility>

namespace mixnet {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

}  // namespace

FlowStarts::FlowStarts(std::vector<FlowRecord>& flows, const std::vector<FlowTrigger>& triggers,
                       const std::vector<int>& behind)
    : flows_(flows),
      triggers_(triggers),
      behind_(behind),
      activations_(triggers.size()),
      first_waiting_(triggers.size(), kNone) {
  if (!triggers.empty()) next_waiting_.assign(flows.size(), kNone);
  for (std::size_t f = flows.size(); f-- > 0;) {
    if (flows[f].after < 0) continue;
    flows[f].start = Time::max();
    next_waiting_[f] = std::exchange(first_waiting_[static_cast<std::size_t>(flows[f].after)], f);
  }
  for (std::uint32_t f = 0; f < flows.size(); ++f) {
    if (flows[f].after < 0) by_start_.push_back(f);
  }
  std::ranges::stable_sort(by_start_, {}, [&](std::uint32_t f) { return flows[f].start; });
  if (behind.empty()) return;
  next_message_.assign(flows.size(), kNone);
  ended_.resize(flows.size());
  is_due_.resize(flows.size());
  for (std::size_t f = 0; f < flows.size(); ++f) {
    if (behind[f] >= 0) next_message_[static_cast<std::size_t>(behind[f])] = f;
  }
}

bool FlowStarts::due(std::size_t flow) {
  if (behind_.empty()) return true;
  is_due_[flow] = true;
  return behind_[flow] < 0 || ended_[static_cast<std::size_t>(behind_[flow])];
}

void FlowStarts::end(std::size_t flow, Time at, std::vector<std::size_t>& starting) {
  if (flows_[flow].fires >= 0) fire(static_cast<std::size_t>(flows_[flow].fires), at, starting);
  if (behind_.empty()) return;
  ended_[flow] = true;
  const std::size_t next = next_message_[flow];
  if (next != kNone && is_due_[next]) starting.push_back(next);
}

void FlowStarts::fire(std::size_t trigger, Time at, std::vector<std::size_t>& starting) {
  const FlowTrigger& one = triggers_[trigger];
  if (++activations_[trigger] != one.count && !one.one_by_one) return;
  std::size_t& first = first_waiting_[trigger];
  while (first != kNone) {
    const std::size_t flow = std::exchange(first, next_waiting_[first]);
    flows_[flow].start = at;
    if (due(flow)) starting.push_back(flow);
    if (one.one_by_one) return;
  }
}

}  // namespace mixnet
