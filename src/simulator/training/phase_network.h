// The network of one fabric as phases use it, one after another: flows in, the phase's time out. It
// is the fluid one (fluid_network.h) until use_packets(), and then in packets (packet_phase.h).
// What flows, and over which links or ports, is up to the communication models (communication.h).
//
// The propagation delay of a phase is that of its longest path. In packets, it is in the time.
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/fidelity.h"
#include "network/fluid_network.h"
#include "network/packet_phase.h"
#include "network/phase_time.h"
#include "network/phase_totals.h"

namespace mixnet {

class PhaseNetwork {
 public:
  /// `link_rates`: of the fluid's links, in NIC rates.
  explicit PhaseNetwork(std::span<const double> link_rates,
                        FluidSolver solver = FluidSolver::kAuto);

  /// From now on phases run in packets, over `ports`.
  void use_packets(std::span<const PhasePort> ports, const FidelityOptions& fidelity,
                   std::shared_ptr<PhaseCache> cache);
  bool in_packets() const { return packets_ != nullptr; }

  /// On the fluid network: `count` flows of `bytes` each.
  void add_flow(std::span<const LinkId> path, Bytes bytes, std::uint32_t count = 1) {
    fluid_.add_flow(path, bytes, count);
  }
  /// In packets; PacketPhase::add_flow().
  void add_packet_flow(std::span<const std::uint32_t> forward, int hops,
                       std::span<const std::uint32_t> back, int back_hops, Bytes bytes) {
    packets_->add_flow(forward, hops, back, back_hops, bytes);
  }
  /// Of a path of the phase, on either network.
  void add_delay(Time delay) { longest_delay_ = std::max(longest_delay_, delay); }

  /// Runs the flows added, and forgets them.
  PhaseTime finish();
  /// The same for ring all-reduces in `groups`, whose flows are the bytes of all steps together:
  /// steps wait for each other, so each has the propagation delay.
  PhaseTime finish_rings(std::span<const std::vector<int>> groups);

  PhaseTotals totals() const { return packets_ ? packets_->totals() : PhaseTotals{}; }
  void set_most_hops(std::int64_t hops) {
    if (packets_) packets_->set_most_hops(hops);
  }

 private:
  FluidNetwork fluid_;
  std::unique_ptr<PacketPhase> packets_;
  Time longest_delay_;
};

}  // namespace mixnet
