#include "traces/collective_order.h"

#include <algorithm>

namespace mixnet {

void CollectiveOrder::add(const ChakraNode& node, std::uint32_t task) {
  if (node.kind != ChakraKind::kCollective && node.kind != ChakraKind::kSend) return;
  entries_.push_back({times_.start[task], place_of_[task], node.id});
}

void CollectiveOrder::add_after(std::uint64_t id, std::uint32_t task) {
  entries_.push_back({times_.end[task], place_of_[task], id});
}

void CollectiveOrder::apply(ChakraTrace& trace) {
  trace.control_deps_order_only = true;
  std::ranges::sort(entries_);
  std::vector<std::uint64_t> since;  // the last collective, and the sends after it
  for (const Entry& entry : entries_) {
    ChakraNode& node = trace.nodes[entry.id];
    if (node.kind == ChakraKind::kCollective) {
      node.control_deps = since;
      std::ranges::sort(node.control_deps);
      since.clear();
    }
    since.push_back(entry.id);
  }
}

}  // namespace mixnet
