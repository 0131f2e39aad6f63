// The sending end of the packet engine: NICs and the flows that wait at them, windows,
// acknowledgements, losses, time-outs.
#include <algorithm>

#include "network/packet_engine.h"

namespace mixnet {
namespace {

constexpr int kMostBackOff = 6;   // the time-out doubles this often
constexpr int kGiveUpAfter = 12;  // time-outs in a row

}  // namespace

bool PacketNetwork::Engine::may_send(const Flow& flow) const {
  if (flow.ended) return false;
  if (options_.transport == Transport::kDctcp &&
      static_cast<float>(flow.in_flight) >= flow.dctcp.window) {
    return false;
  }
  if (flow.lost > 0) return true;
  // The receiver's bitmap is as wide as the sender's.
  return flow.next_new < flow.packets && flow.next_new - flow.first_unacked <= mask_;
}

void PacketNetwork::Engine::start_sender(std::uint32_t index) {
  Flow& flow = flows_[index];
  flow.started = true;
  flow.dctcp.window = static_cast<float>(options_.initial_window);
  if (options_.transport == Transport::kDcqcn) {
    rates_[index] = DcqcnRate{};
    rates_[index].alpha_timer = rates_[index].rate_timer = now_;
    rates_[index].last_cnp_sent = now_ - kDcqcnParameters.cnp_interval;
  }
  join_ring(index);
}

/// Before a flow's first loss, packets are sent in the order of their sequence, so nothing need be
/// kept.
std::uint32_t& PacketNetwork::Engine::transmission_of(const Flow& flow, std::uint32_t sequence) {
  return history_[std::size_t{flow.history} * (mask_ + 1) + (sequence & mask_)];
}

void PacketNetwork::Engine::keep_history(Flow& flow) {
  if (flow.history != kNone) return;
  if (free_histories_.empty()) {
    flow.history = static_cast<std::uint32_t>(history_.size() / (mask_ + 1));
    history_.resize(history_.size() + mask_ + 1);
  } else {
    flow.history = free_histories_.back();
    free_histories_.pop_back();
  }
  for (std::uint32_t s = flow.first_unacked; s < flow.next_new; ++s) transmission_of(flow, s) = s;
}

void PacketNetwork::Engine::send(std::uint32_t index) {
  Flow& flow = flows_[index];
  std::uint32_t sequence = flow.next_new;
  if (flow.lost > 0) {
    sequence = flow.first_unacked;
    while (!test(index, kLost, sequence)) ++sequence;
    unset(index, kLost, sequence);
    --flow.lost;
    ++totals_.retransmissions;
  } else {
    ++flow.next_new;
  }
  if (flow.history != kNone) transmission_of(flow, sequence) = flow.transmissions;
  if (flow.in_flight++ == 0)
    flow.deadline = now_ + (time_out_of(flow) << std::min<int>(flow.back_off, kMostBackOff));
  if (!flow.timer_armed) {
    flow.timer_armed = true;
    ++flow.references;
    const std::uint32_t timer = take_record();
    records_[timer].kind = Kind::kTimer;
    records_[timer].flow = index;
    records_[timer].time = flow.deadline;
    wheel_.push(timer);
  }

  const std::uint32_t packet_index = take_record();
  Record& packet = records_[packet_index];
  packet.kind = Kind::kData;
  packet.flow = index;
  packet.sequence = sequence;
  packet.transmission = flow.transmissions++;
  packet.wire_bytes = static_cast<std::uint16_t>(
      sequence + 1 == flow.packets ? flow.last_payload + options_.header : options_.mtu);
  packet.travels = 1;
  // Packets take the paths in turn, every flow from a place of its own.
  const std::uint32_t path =
      flow.forward.count == 1 ? 0 : (index * 7 + packet.transmission) % flow.forward.count;
  packet.path_at = flow.forward.first + path * flow.forward.hops;
  ++flow.references;
  ++totals_.data_packets;
  totals_.sent_bytes += packet.wire_bytes;
  if (options_.transport == Transport::kDcqcn) {
    DcqcnRate& rate = rates_[index];
    rate.on_send(now_, packet.wire_bytes);
    const auto gap = static_cast<float>(time_of(ports_[flow.nic], packet.wire_bytes));
    rate.next_send = now_ + static_cast<std::int64_t>(gap / rate.rate);
  }
  forward(packet_index);
}

void PacketNetwork::Engine::join_ring(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.in_ring || !may_send(flow)) return;
  if (options_.transport == Transport::kDcqcn && rates_[index].next_send > now_) {
    pace(index);
    return;
  }
  Port& nic = ports_[flow.nic];
  flow.in_ring = true;
  ++flow.references;
  if (nic.last_sender == kNone) {
    flow.next_sender = index;
  } else {
    flow.next_sender = flows_[nic.last_sender].next_sender;
    flows_[nic.last_sender].next_sender = index;
  }
  nic.last_sender = index;
  if (!nic.waking) wake(flow.nic);
}

/// Takes a flow out of its NIC's ring; `before` is the one before it.
void PacketNetwork::Engine::unlink(Port& nic, std::uint32_t before, std::uint32_t index) {
  if (before == index) {
    nic.last_sender = kNone;
  } else {
    flows_[before].next_sender = flows_[index].next_sender;
    if (nic.last_sender == index) nic.last_sender = before;
  }
  flows_[index].in_ring = false;
  release(index);
}

void PacketNetwork::Engine::wake(std::uint32_t nic) {
  Port& port = ports_[nic];
  const std::uint32_t event = take_record();
  records_[event].kind = Kind::kNic;
  records_[event].flow = nic;
  records_[event].time = std::max(now_, port.free_at);
  port.waking = true;
  wheel_.push(event);
}

void PacketNetwork::Engine::on_nic(std::uint32_t event) {
  Port& nic = ports_[records_[event].flow];
  if (is_lossless_ && !is_ready(records_[event].flow)) {  // wakes when it is
    nic.waking = false;
    give_back(event);
    return;
  }
  if (nic.free_at > now_) {  // an acknowledgement got in between
    records_[event].time = nic.free_at;
    wheel_.push(event);
    return;
  }
  if (nic.last_sender != kNone) {
    const std::uint32_t last = nic.last_sender;
    const std::uint32_t index = flows_[last].next_sender;
    __builtin_prefetch(&flows_[flows_[index].next_sender]);
    if (may_send(flows_[index])) send(index);
    Flow& flow = flows_[index];
    bool stays = may_send(flow);
    if (stays && options_.transport == Transport::kDcqcn && rates_[index].next_send > nic.free_at) {
      stays = false;
      pace(index);
    }
    if (stays) {
      nic.last_sender = index;  // from first to last
    } else {
      unlink(nic, last, index);
    }
  }
  if (nic.last_sender == kNone) {
    nic.waking = false;
    give_back(event);
    return;
  }
  records_[event].time = std::max(now_, nic.free_at);
  wheel_.push(event);
}

void PacketNetwork::Engine::on_ack(std::uint32_t index) {
  const Record ack = records_[index];
  give_back(index);
  Flow& flow = flows_[ack.flow];
  // Nothing lost, nothing acknowledged early: then no bit need be looked at.
  const bool in_order =
      ack.sequence == flow.first_unacked && flow.next_new - flow.first_unacked == flow.in_flight;
  const bool is_news =
      !flow.ended &&
      (in_order || (ack.sequence >= flow.first_unacked && !test(ack.flow, kAcked, ack.sequence)));
  if (!is_news) {
    release(ack.flow);
    return;
  }
  --flow.references;  // not the last: the flow has not ended
  const bool limits_sender =
      static_cast<float>(flow.in_flight) * 2 >= flow.dctcp.window;  // RFC 7661
  if (in_order) {
    ++flow.first_unacked;
    --flow.in_flight;
  } else {
    if (flow.lost > 0 && test(ack.flow, kLost, ack.sequence)) {
      unset(ack.flow, kLost, ack.sequence);
      --flow.lost;
    } else {
      --flow.in_flight;
    }
    set(ack.flow, kAcked, ack.sequence);
    while (flow.first_unacked < flow.next_new && test(ack.flow, kAcked, flow.first_unacked)) {
      unset(ack.flow, kAcked, flow.first_unacked++);
    }
  }
  flow.newest_acked = std::max(flow.newest_acked, ack.transmission);
  flow.back_off = 0;
  flow.deadline = now_ + time_out_of(flow);
  if (options_.transport == Transport::kDctcp) {
    flow.dctcp.on_ack(ack.marked == 1, limits_sender, static_cast<float>(mask_ + 1));
    if (ack.marked == 1 && ack.transmission >= flow.recovery_end) {
      flow.dctcp.on_congestion();
      flow.recovery_end = flow.transmissions;
    }
    if (flow.first_unacked >= flow.window_end) {
      flow.dctcp.end_observation();
      flow.window_end = flow.next_new;
    }
  } else if (ack.marked == 1) {
    rates_[ack.flow].on_cnp(now_);
  }
  if (flow.first_unacked < flow.next_new) find_losses(flow);
  join_ring(ack.flow);
}

void PacketNetwork::Engine::find_losses(Flow& flow) {
  const std::uint32_t first = flow.first_unacked;
  const std::uint32_t oldest = flow.history == kNone ? first : transmission_of(flow, first);
  if (oldest + flow.reorder > flow.newest_acked) return;
  const auto index = static_cast<std::uint32_t>(&flow - flows_.data());
  bool fresh = false;
  keep_history(flow);
  for (std::uint32_t s = first; s < flow.next_new; ++s) {
    if (test(index, kAcked, s) || test(index, kLost, s)) continue;
    const std::uint32_t transmission = transmission_of(flow, s);
    if (transmission + flow.reorder > flow.newest_acked) continue;
    set(index, kLost, s);
    ++flow.lost;
    --flow.in_flight;
    fresh |= transmission >= flow.recovery_end;
  }
  if (!fresh) return;
  flow.recovery_end = flow.transmissions;
  flow.dctcp.on_loss();
}

/// The timer is lazy: it looks whether the deadline, which acknowledgements move, has passed.
void PacketNetwork::Engine::on_timer(std::uint32_t event) {
  const std::uint32_t index = records_[event].flow;
  if (!flows_[index].ended && now_ >= flows_[index].deadline && flows_[index].in_flight > 0) {
    time_out(index);
  }
  Flow& flow = flows_[index];
  if (flow.ended || flow.in_flight == 0) {
    flow.timer_armed = false;
    give_back(event);
    release(index);
    return;
  }
  records_[event].time = std::max(flow.deadline, now_ + 1);
  wheel_.push(event);
}

void PacketNetwork::Engine::time_out(std::uint32_t index) {
  Flow& flow = flows_[index];
  ++totals_.time_outs;
  keep_history(flow);
  for (std::uint32_t s = flow.first_unacked; s < flow.next_new; ++s) {
    if (test(index, kAcked, s) || test(index, kLost, s)) continue;
    set(index, kLost, s);
    ++flow.lost;
  }
  flow.in_flight = 0;
  flow.recovery_end = flow.transmissions;
  if (++flow.back_off > kGiveUpAfter) {
    give_up(index);
    return;
  }
  flow.dctcp.on_time_out();
  if (options_.transport == Transport::kDcqcn) rates_[index].on_time_out(now_);
  join_ring(index);
}

/// Nothing of the flow arrives any more.
void PacketNetwork::Engine::give_up(std::uint32_t index) {
  Flow& flow = flows_[index];
  flow.ended = true;
  flow.lost = 0;
  flow.next_new = flow.packets;
  --running_;
  ++gave_up_;
  forget_samples();
}

void PacketNetwork::Engine::pace(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.pacing) return;
  flow.pacing = true;
  ++flow.references;
  const std::uint32_t event = take_record();
  records_[event].kind = Kind::kPace;
  records_[event].flow = index;
  records_[event].time = rates_[index].next_send;
  wheel_.push(event);
}

void PacketNetwork::Engine::on_pace(std::uint32_t event) {
  const std::uint32_t index = records_[event].flow;
  give_back(event);
  flows_[index].pacing = false;
  if (!flows_[index].ended) join_ring(index);
  release(index);
}

}  // namespace mixnet
