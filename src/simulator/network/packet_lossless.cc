// Ports that pause each other instead of dropping (priority flow control, IEEE 802.1Qbb), for
// DCQCN.
//
// A switch counts what it holds by the link over which it came. When that is more than a threshold,
// it asks the port at the link's other end for a pause, which begins a propagation delay later; for
// what comes until then it has headroom. When enough has left, it lets the port go on. NICs are
// paused like switches; receivers take what comes. A packet that has no room in spite of all is
// dropped, which with this headroom never happens.
//
// When a packet leaves a port that can be paused is not known when it comes, so a hop is two events
// here: it leaves, and it arrives behind the link.
#include <algorithm>

#include "network/packet_engine.h"

namespace mixnet {

using packet::LosslessPort;

void PacketNetwork::Engine::prepare_lossless(std::span<const PortSpec> ports) {
  lossless_.resize(ports.size());
  const std::int64_t packet = options_.mtu;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    LosslessPort& one = lossless_[i];
    const double rate = ports[i].rate.bytes_per_second();
    const std::int64_t automatic =
        saturating_round(automatic_threshold(ports[i].rate) * kDcqcnParameters.sure_mark);
    one.pause = options_.queue_limit.count > 0 ? options_.queue_limit.count : automatic;
    one.go_on = std::max<std::int64_t>(0, one.pause - kDcqcnParameters.pause_gap * packet);
    // The packet that crosses the threshold, what comes in a round trip of the link, and the packet
    // that its other end has begun to send.
    const double round_trip = 2 * ports[i].delay.to_seconds() * rate;
    one.room = saturating_sum(one.pause, saturating_round(round_trip) + 3 * packet);
  }
}

void PacketNetwork::Engine::reset_lossless() {
  for (LosslessPort& one : lossless_) {
    const LosslessPort fresh;
    one.first = one.last = fresh.first;
    one.waiting = one.held = 0;
    one.sends = one.paused = one.asked = false;
  }
}

/// A packet comes to its next port.
void PacketNetwork::Engine::enter(std::uint32_t index) {
  Record& packet = records_[index];
  const std::uint32_t at = packet::port_of(paths_[packet.path_at]);
  Port& port = ports_[at];
  LosslessPort& queue = lossless_[at];
  if (port.limit == 0) return drop(index);
  std::uint32_t full = kNone;  // the link whose other end is to pause
  if (packet.in_switch != 0) {
    const std::uint32_t from = packet::port_of(paths_[packet.path_at - 1]);
    LosslessPort& link = lossless_[from];
    if (link.held + packet.wire_bytes > link.room) [[unlikely]]
      return drop(index);
    link.held += packet.wire_bytes;
    if (!link.asked && link.held > link.pause) full = from;
  }
  const std::int64_t transmission = time_of(port, packet.wire_bytes);
  const std::int64_t backlog = queue.waiting + std::max<std::int64_t>(0, port.free_at - now_);
  port.deepest = std::max(port.deepest, backlog);
  queue.waiting += transmission;
  packet.next = kNone;
  if (queue.first == kNone) {
    queue.first = index;
  } else {
    records_[queue.last].next = index;
  }
  queue.last = index;
  if (!queue.sends && !queue.paused) start_sending(at);
  if (full != kNone) ask(full, true);  // may move records
}

void PacketNetwork::Engine::start_sending(std::uint32_t at) {
  LosslessPort& queue = lossless_[at];
  const std::uint32_t index = queue.first;
  Record& packet = records_[index];
  queue.first = packet.next;
  queue.sends = true;
  const std::int64_t transmission = time_of(ports_[at], packet.wire_bytes);
  queue.waiting -= transmission;
  // Switches mark what leaves by what it leaves behind (Zhu et al., CoNEXT 2016, section 5): so the
  // queue does not delay its own signal.
  if (queue.waiting > ports_[at].ecn && packet.kind == Kind::kData && packet.marked == 0 &&
      marks(ports_[at], queue.waiting, transmission)) {
    ++totals_.ecn_marks;
    packet.marked = 1;
  }
  ports_[at].free_at = packet.time = now_ + transmission;
  packet.kind = packet.kind == Kind::kData ? Kind::kDataLeaves : Kind::kAckLeaves;
  wheel_.push(index);
}

/// The port has sent it.
void PacketNetwork::Engine::leave(std::uint32_t index) {
  Record& packet = records_[index];
  const std::uint32_t hop = paths_[packet.path_at];
  const std::uint32_t at = packet::port_of(hop);
  Port& port = ports_[at];
  LosslessPort& queue = lossless_[at];
  port.bytes += packet.wire_bytes;
  std::uint32_t freed = kNone;  // the link whose other end may go on
  if (packet.in_switch != 0) {
    const std::uint32_t from = packet::port_of(paths_[packet.path_at - 1]);
    LosslessPort& link = lossless_[from];
    link.held -= packet.wire_bytes;
    if (link.asked && link.held <= link.go_on) freed = from;
  }
  packet.kind = packet.kind == Kind::kDataLeaves ? Kind::kData : Kind::kAck;
  packet.in_switch = 1;
  packet.travels = (hop & packet::kLastHop) == 0;
  packet.time = now_ + port.delay;
  ++packet.path_at;
  ++totals_.packet_hops;
  wheel_.push(index);
  if (freed != kNone) ask(freed, false);  // may move records
  queue.sends = false;
  if (queue.paused) return;
  if (queue.first != kNone) {
    start_sending(at);
  } else if (port.last_sender != kNone && !port.waking) {
    wake(at);
  }
}

void PacketNetwork::Engine::ask(std::uint32_t at, bool to_pause) {
  lossless_[at].asked = to_pause;
  if (to_pause) ++totals_.pauses;
  const std::uint32_t event = take_record();
  Record& request = records_[event];
  request.kind = Kind::kPause;
  request.flow = at;
  request.marked = to_pause;
  request.time = now_ + ports_[at].delay;
  wheel_.push(event);
}

void PacketNetwork::Engine::on_pause(std::uint32_t event) {
  const std::uint32_t at = records_[event].flow;
  LosslessPort& queue = lossless_[at];
  queue.paused = records_[event].marked == 1;
  give_back(event);
  if (queue.paused || queue.sends) return;
  if (queue.first != kNone) {
    start_sending(at);
  } else if (ports_[at].last_sender != kNone && !ports_[at].waking) {
    wake(at);
  }
}

/// Whether a NIC may take a packet of its flows' now. If not, leave() or on_pause() wake it.
bool PacketNetwork::Engine::is_ready(std::uint32_t nic) const {
  const LosslessPort& queue = lossless_[nic];
  return !queue.sends && !queue.paused && queue.first == kNone;
}

}  // namespace mixnet
