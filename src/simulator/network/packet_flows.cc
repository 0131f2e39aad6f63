// Flows of the packet engine: their paths, when they start, when they have ended.
#include <algorithm>
#include <cassert>
#include <functional>
#include <tuple>

#include "network/packet_engine.h"

namespace mixnet {

using packet::Paths;

PacketNetwork::PathSet PacketNetwork::Engine::add_paths(std::span<const std::uint32_t> forward,
                                                        int hops,
                                                        std::span<const std::uint32_t> back,
                                                        int back_hops) {
  const auto store = [this](std::span<const std::uint32_t> ports, int length) {
    const auto first = static_cast<std::uint32_t>(paths_.size());
    paths_.insert(paths_.end(), ports.begin(), ports.end());
    return Paths{first, static_cast<std::uint16_t>(ports.size() / length),
                 static_cast<std::uint8_t>(length)};
  };
  const Paths there = store(forward, hops);
  const Paths here = store(back, back_hops);
  paths_.push_back(0);  // what run_events() looks up behind the last hop of the last path
  path_sets_.emplace_back(there, here);
  return static_cast<PathSet>(path_sets_.size() - 1);
}

void PacketNetwork::Engine::add_flow(PathSet paths, std::int64_t payload, std::int64_t start,
                                     std::uint64_t tag) {
  std::uint32_t index = 0;
  if (free_flows_.empty()) {
    index = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
    tags_.emplace_back();
    bits_.resize(bits_.size() + std::size_t{3} * words_);
    if (options_.transport == Transport::kDcqcn) rates_.emplace_back();
  } else {
    index = free_flows_.back();
    free_flows_.pop_back();
  }
  Flow& flow = flows_[index];
  const std::uint32_t generation = flow.generation + 1;
  flow = Flow{};
  flow.generation = generation;
  const std::int64_t full = options_.mtu - options_.header;
  const std::int64_t packets = (payload - 1) / full + 1;
  assert(packets <= kMostFlowPackets);
  flow.packets = static_cast<std::uint32_t>(packets);
  flow.last_payload = static_cast<std::uint16_t>(payload - (packets - 1) * full);
  tags_[index] = tag;
  flow.ended = false;
  std::tie(flow.forward, flow.back) = path_sets_[paths];
  flow.nic = paths_[flow.forward.first];
  flow.reorder = static_cast<std::uint16_t>(flow.forward.count > 1 ? options_.reorder_sprayed
                                                                   : options_.reorder);
  ++running_;
  starts_.push_back({std::max(start, now()), start_order_++, index});
  stop_ = std::min(stop_, starts_.back().time - skipped_);
  std::ranges::push_heap(starts_, std::greater<>{});
}

void PacketNetwork::Engine::start_next() {
  const std::uint32_t flow = starts_.front().flow;
  std::ranges::pop_heap(starts_, std::greater<>{});
  starts_.pop_back();
  start_sender(flow);
}

void PacketNetwork::Engine::end_flow(std::uint32_t index) {
  Flow& flow = flows_[index];
  flow.ended = true;
  flow.lost = 0;  // the sender has nothing left to say
  flow.next_new = flow.packets;
  --running_;
  last_completion_ = std::max(last_completion_, now());
  forget_samples();  // the others will speed up
  // The callback may add flows and so move them; the slot stays this flow's while it is referred
  // to.
  if (callback_) callback_(tags_[index], {now()});
}

}  // namespace mixnet
