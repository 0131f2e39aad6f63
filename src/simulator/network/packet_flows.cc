// Flows of the packet engine: their paths, when they start, when they have ended.
#include <algorithm>
#include <bit>
#include <cassert>
#include <functional>
#include <utility>

#include "network/packet_engine.h"

namespace mixnet {

using packet::Paths;

namespace {

constexpr std::int64_t kMostWindow = 16'384;  // packets: more would take too much memory a flow

}  // namespace

PacketNetwork::PathSet PacketNetwork::Engine::add_paths(std::span<const std::uint32_t> forward,
                                                        int hops,
                                                        std::span<const std::uint32_t> back,
                                                        int back_hops) {
  const auto store = [this](std::span<const std::uint32_t> ports, int length) {
    const auto first = static_cast<std::uint32_t>(paths_.size());
    paths_.insert(paths_.end(), ports.begin(), ports.end());
    for (std::size_t last = first + length - 1; last < paths_.size(); last += length) {
      paths_[last] |= packet::kLastHop;
    }
    return Paths{first, static_cast<std::uint16_t>(ports.size() / length),
                 static_cast<std::uint16_t>(length)};
  };
  const Paths there = store(forward, hops);
  const Paths here = store(back, back_hops);
  paths_.push_back(0);  // what run_events() looks up behind the last hop of the last path
  const std::int64_t time = round_trip(there, here);
  if (options_.largest_window == 0) widen_for(there, time);
  path_sets_.push_back({there, here, patience_for(there, time)});
  return static_cast<PathSet>(path_sets_.size() - 1);
}

/// Of a full packet and its acknowledgement over the first of the paths, with nothing queued; over
/// ports that work. kLongestWait at most.
std::int64_t PacketNetwork::Engine::round_trip(const Paths& there, const Paths& back) const {
  std::int64_t sum = 0;
  const auto add = [&](const Paths& paths, std::int64_t bytes) {
    for (std::uint32_t hop = paths.first; hop < paths.first + paths.hops; ++hop) {
      const Port& port = ports_[packet::port_of(paths_[hop])];
      if (port.limit == 0) continue;
      sum = std::min(packet::kLongestWait, sum + port.delay);
      sum = std::min(packet::kLongestWait, sum + time_of(port, bytes));
    }
  };
  add(there, options_.mtu);
  add(back, options_.free_acks ? 0 : options_.ack_bytes);
  return sum;
}

/// So that twice the time of a packet that waits in one full queue of automatic size is no
/// time-out. A time-out that was given is left as it is.
std::uint8_t PacketNetwork::Engine::patience_for(const Paths& there,
                                                 std::int64_t round_trip) const {
  if (options_.time_out > Time::zero()) return 0;
  std::int64_t queue = 0;
  for (std::uint32_t hop = there.first; hop < there.first + there.hops; ++hop) {
    const Port& port = ports_[packet::port_of(paths_[hop])];
    const std::int64_t automatic = automatic_queue(port);  // with pauses, others queue as well
    queue = std::max(queue, is_lossless_ ? automatic : std::min(port.limit, automatic));
  }
  const std::int64_t least = 2 * (std::min(round_trip, packet::kLongestWait / 256) +
                                  std::min(queue, packet::kLongestWait / 256));
  std::uint8_t patience = 0;
  while ((time_out_ << patience) < least) ++patience;
  return patience;
}

/// Windows of twice what is in flight on the longest path.
void PacketNetwork::Engine::widen_for(const Paths& there, std::int64_t round_trip) {
  std::int64_t packet = 1;  // ps, at the slowest port
  for (std::uint32_t hop = there.first; hop < there.first + there.hops; ++hop) {
    const Port& port = ports_[packet::port_of(paths_[hop])];
    if (port.limit > 0) packet = std::max(packet, time_of(port, options_.mtu));
  }
  const std::int64_t window = std::min(kMostWindow, 2 * (round_trip / packet));
  if (window > mask_ + 1) widen(std::bit_ceil(static_cast<std::uint32_t>(window)));
}

/// Windows of `window` packets, a power of two, from now on.
void PacketNetwork::Engine::widen(std::uint32_t window) {
  const std::uint32_t old_mask = std::exchange(mask_, window - 1);
  const std::uint32_t old_words = std::exchange(words_, (window + 63) / 64);
  if (flows_.empty()) return;
  const auto bits =
      std::exchange(bits_, std::vector<std::uint64_t>(flows_.size() * 3 * std::size_t{words_}));
  const std::size_t histories = history_.size() / (old_mask + 1);
  const auto history = std::exchange(history_, std::vector<std::uint32_t>(histories * window));
  for (std::uint32_t index = 0; index < flows_.size(); ++index) {
    const Flow& flow = flows_[index];
    if (flow.ended) continue;
    for (const Bitmap map : {kAcked, kLost, kReceived}) {
      const std::uint32_t first = map == kReceived ? flow.next_expected : flow.first_unacked;
      for (std::uint32_t s = first; s - first <= old_mask; ++s) {
        const std::size_t word = (index * std::size_t{3} + map) * old_words + (s & old_mask) / 64;
        if ((bits[word] >> (s & 63)) & 1) set(index, map, s);
      }
    }
    if (flow.history == kNone) continue;
    for (std::uint32_t s = flow.first_unacked; s < flow.next_new; ++s) {
      transmission_of(flow, s) =
          history[std::size_t{flow.history} * (old_mask + 1) + (s & old_mask)];
    }
  }
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
  flow.packets = static_cast<std::uint32_t>(packets);
  flow.last_payload = static_cast<std::uint16_t>(payload - (packets - 1) * full);
  tags_[index] = tag;
  flow.ended = false;
  flow.forward = path_sets_[paths].there;
  flow.back = path_sets_[paths].back;
  flow.patience = path_sets_[paths].patience;
  flow.nic = packet::port_of(paths_[flow.forward.first]);
  // Where nothing is lost, what overtakes says nothing.
  const int reorder = flow.forward.count > 1 ? options_.reorder_sprayed : options_.reorder;
  flow.reorder = is_lossless_ ? UINT16_MAX : static_cast<std::uint16_t>(reorder);
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
