#include "network/packet_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "base/error.h"
#include "network/network_invariants.h"
#include "network/packet_engine.h"

namespace mixnet {

void check_packet_options(const PacketOptions& options) {
  if (options.mtu < 256 || options.mtu > 65'535) {
    throw Error("--mtu", fmt::format("{} bytes is out of range", options.mtu),
                "give 256 to 65535 bytes of a full packet, headers included");
  }
  if (options.header < 0 || options.header > options.mtu / 2) {
    throw Error("--header", fmt::format("{} bytes is out of range", options.header),
                "give the bytes of all headers, at most half the MTU");
  }
  if (options.ack_bytes < 1 || options.ack_bytes > options.mtu) {
    throw Error("--ack-bytes", fmt::format("{} is out of range", options.ack_bytes),
                "give the bytes of an acknowledgement, from 1 to the MTU");
  }
  if (options.queue_limit.count != 0 && options.queue_limit.count < 2 * options.mtu) {
    throw Error("--queue", fmt::format("{} is too small", to_string(options.queue_limit)),
                "give room for at least two packets of the MTU");
  }
  constexpr Bytes kMostQueue = {1'000'000'000'000};
  if (options.queue_limit > kMostQueue || options.ecn_threshold > kMostQueue) {
    throw Error("--queue", "is over 1 TB", "give the bytes that one port of a switch can hold");
  }
  if (options.initial_window < 1 || options.initial_window > 1'000'000) {
    throw Error("--initial-window", fmt::format("{} is out of range", options.initial_window),
                "give 1 to 1000000 packets");
  }
  if (options.largest_window < 0 || options.largest_window > 65'536 ||
      (options.largest_window & (options.largest_window - 1)) != 0) {
    throw Error("largest window", fmt::format("{} is no power of two", options.largest_window),
                "give a power of two up to 65536 packets");
  }
  if (options.reorder < 1 || options.reorder > 65'535 || options.reorder_sprayed < 1 ||
      options.reorder_sprayed > 65'535) {
    throw Error("reorder", "is out of range", "give 1 to 65535 packets");
  }
  if (!(options.ecn_ceiling >= 1) || !(options.ecn_surest >= 0 && options.ecn_surest <= 1)) {
    throw Error("ECN marking", "is out of range",
                "give a ceiling of at least the threshold and a probability from 0 to 1");
  }
  if (options.time_out != Time::zero() &&
      (options.time_out < Time::microseconds(10) || options.time_out > Time::seconds(10))) {
    throw Error("--time-out", fmt::format("{} is out of range", to_string(options.time_out)),
                "give 10us to 10s");
  }
}

PacketNetwork::PacketNetwork(std::span<const PortSpec> ports, const PacketOptions& options)
    : engine_(std::make_unique<Engine>(ports, options)) {}
PacketNetwork::~PacketNetwork() = default;
PacketNetwork::PacketNetwork(PacketNetwork&&) noexcept = default;
PacketNetwork& PacketNetwork::operator=(PacketNetwork&&) noexcept = default;

void PacketNetwork::reset() { engine_->reset(); }
void PacketNetwork::set_skip(bool on) { engine_->set_skip(on); }
void PacketNetwork::set_hop_limit(std::int64_t packet_hops) { engine_->set_hop_limit(packet_hops); }
void PacketNetwork::on_completion(OnCompletion callback) {
  engine_->on_completion(std::move(callback));
}

PacketNetwork::PathSet PacketNetwork::add_paths(std::span<const std::uint32_t> forward, int hops,
                                                std::span<const std::uint32_t> back,
                                                int back_hops) {
  if (std::max(hops, back_hops) > packet::kMostHops) {
    throw Error("--fabric",
                fmt::format("has a route of {} links, over the {} that packets take",
                            std::max(hops, back_hops), packet::kMostHops),
                "give --fidelity fluid");
  }
  assert(hops > 0 && forward.size() % hops == 0);
  assert(back_hops > 0 && back.size() % back_hops == 0);
  return engine_->add_paths(forward, hops, back, back_hops);
}

void PacketNetwork::add_flow(PathSet paths, Bytes payload, Time start, std::uint64_t tag) {
  assert(payload.count > 0);
  if (!engine_->can_hold(payload.count)) {
    throw Error("flow", fmt::format("of {} is over 2^31 packets", to_string(payload)),
                "give fewer bytes, or --fidelity fluid");
  }
  engine_->add_flow(paths, payload.count, start.ps, tag);
}

Time PacketNetwork::run() {
  const bool complete = engine_->run_until(packet::kNever);
  check_bytes_kept(engine_->totals());
  return complete ? Time{engine_->last_completion()} : Time::max();
}
bool PacketNetwork::run_until(Time end) { return engine_->run_until(end.ps); }
void PacketNetwork::stop() { engine_->stop(); }
void PacketNetwork::drain() { engine_->drain(); }

Time PacketNetwork::now() const { return {engine_->now()}; }
std::size_t PacketNetwork::running_flows() const { return engine_->running_flows(); }
Bytes PacketNetwork::memory() const { return {engine_->memory()}; }
PacketTotals PacketNetwork::totals() const { return engine_->totals(); }
PortTotals PacketNetwork::port_totals(std::uint32_t port) const {
  return engine_->port_totals(port);
}

}  // namespace mixnet
