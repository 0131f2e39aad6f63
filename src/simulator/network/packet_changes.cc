// What comes to the packet engine from outside at a given time: starts, dark ports, other paths.
#include <algorithm>
#include <functional>
#include <tuple>
#include <vector>

#include "network/packet_engine.h"

namespace mixnet {

using packet::kNever;

void PacketNetwork::Engine::push_external(External external) {
  external.order = external_order_++;
  externals_.push_back(external);
  std::ranges::push_heap(externals_, std::greater<>{});
  stop_ = std::min(stop_, external.time - skipped_);
}

void PacketNetwork::Engine::apply_next() {
  const External external = externals_.front();
  std::ranges::pop_heap(externals_, std::greater<>{});
  externals_.pop_back();
  apply(external);
}

void PacketNetwork::Engine::reroute(FlowId flow, PathSet paths, std::int64_t at) {
  push_external({std::max(at, now()), 0, Change::kReroute, flow.slot, flow.generation, paths, 0});
}

void PacketNetwork::Engine::darken(std::uint32_t port, std::int64_t from, std::int64_t until) {
  from = std::max(from, now());
  if (until <= from) return;
  if (until > packet::kLatest) until = kNever;  // nothing happens by then
  push_external({from, 0, Change::kDark, port, 0, 0, until});
  if (until != kNever) push_external({until, 0, Change::kLit, port, 0, 0, 0});
}

void PacketNetwork::Engine::apply(const External& external) {
  const std::uint32_t subject = external.subject;
  switch (external.change) {
    case Change::kStart:
      start_sender(subject);
      break;
    case Change::kReroute: {
      Flow& flow = flows_[subject];
      if (flow.generation != external.generation || flow.ended) return;
      const bool waits = flow.in_ring;
      ++flow.references;
      leave_ring(subject);
      set_paths(flow, external.paths);
      if (waits) join_ring(subject);
      release(subject);
      break;
    }
    case Change::kDark:
      go_dark(subject, external.until == kNever ? kNever : external.until - skipped_);
      break;
    case Change::kLit:
      if (!ports_[subject].dark || darkness_[subject].until > now_) return;
      ports_[subject].dark = false;
      --dark_ports_;
      break;
  }
}

void PacketNetwork::Engine::set_paths(Flow& flow, PathSet paths) {
  std::tie(flow.forward, flow.back) = path_sets_[paths];
  flow.nic = paths_[flow.forward.first];
  flow.reorder = static_cast<std::uint16_t>(flow.forward.count > 1 ? options_.reorder_sprayed
                                                                   : options_.reorder);
}

/// The packet being sent is sent to its end. Those queued behind it wait until there is light, or
/// are lost when there never will be.
void PacketNetwork::Engine::go_dark(std::uint32_t port_index, std::int64_t until) {
  Port& port = ports_[port_index];
  if (!port.dark) ++dark_ports_;
  port.dark = true;
  darkness_.resize(ports_.size());
  darkness_[port_index] = {now_, until};

  std::vector<std::uint32_t> queued;
  std::int64_t first_start = kNever;
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    const Record& packet = records_[i];
    const bool on_wire =
        packet.kind == Kind::kData || (packet.kind == Kind::kAck && !options_.free_acks);
    if (!on_wire || paths_[packet.path_at - 1] != port_index) continue;
    const std::int64_t start = packet.time - port.delay - time_of(port, packet.wire_bytes);
    if (start < now_) continue;
    first_start = std::min(first_start, start);
    queued.push_back(i);
  }
  if (queued.empty()) return;
  if (until == kNever) {
    for (const std::uint32_t i : queued) {
      Record& packet = records_[i];
      ++totals_.drops;
      --totals_.packet_hops;
      port.bytes -= packet.wire_bytes;
      if (packet.kind == Kind::kData) totals_.dropped_bytes += packet.wire_bytes;
      packet.kind = Kind::kFree;  // the wheel still holds it, and gives it back
      release(packet.flow);
    }
    return;
  }
  const std::int64_t wait = std::max<std::int64_t>(0, until - first_start);
  for (const std::uint32_t i : queued) records_[i].time += wait;
  wheel_.postponed();
  port.free_at += wait;
}

void PacketNetwork::Engine::forward_dark(std::uint32_t index, std::uint32_t port_index) {
  Record& packet = records_[index];
  Port& port = ports_[port_index];
  const std::int64_t until = darkness_[port_index].until;
  const std::int64_t transmission = time_of(port, packet.wire_bytes);
  const std::int64_t start = std::max(port.free_at, until);  // until > now_
  if (until == kNever || start - until + transmission > port.limit) {
    drop(index);
    return;
  }
  port.deepest = std::max(port.deepest, start - until);
  port.bytes += packet.wire_bytes;
  port.free_at = start + transmission;
  packet.time = port.free_at + port.delay;
  ++packet.path_at;
  --packet.hops_left;
  ++totals_.packet_hops;
  wheel_.push(index);
}

}  // namespace mixnet
