#include "network/packet_phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

/// Two independent 64-bit hashes of the same words.
class Hash {
 public:
  void add(std::uint64_t word) {
    a_ = mix(a_ ^ word, 0x9e3779b97f4a7c15ULL);
    b_ = mix(std::rotl(b_, 29) + word, 0xbf58476d1ce4e5b9ULL);
  }
  PhaseCache::Key key() const { return {a_, b_}; }

 private:
  static std::uint64_t mix(std::uint64_t x, std::uint64_t factor) {
    x = (x ^ (x >> 32)) * factor;
    x = (x ^ (x >> 29)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 32);
  }
  std::uint64_t a_ = 0x243f6a8885a308d3ULL;
  std::uint64_t b_ = 0x13198a2e03707344ULL;
};

}  // namespace

PacketPhase::PacketPhase(std::span<const PhasePort> ports, const FidelityOptions& fidelity,
                         std::shared_ptr<PhaseCache> cache)
    : fidelity_(fidelity), cache_(std::move(cache)) {
  const auto nic_rate = static_cast<double>(fidelity.nic_rate.bits_per_second);
  ports_.reserve(ports.size());
  for (const PhasePort& port : ports) {
    ports_.push_back({{static_cast<std::int64_t>(port.rate * nic_rate)}, kLinkDelay * port.links});
  }
  names_.assign(ports_.size(), UINT32_MAX);
}

void PacketPhase::add_flow(std::span<const std::uint32_t> forward, int hops,
                           std::span<const std::uint32_t> back, int back_hops, Bytes bytes,
                           Time start) {
  if (bytes.count <= 0) return;
  Flow flow;
  flow.forward = static_cast<std::uint32_t>(paths_.size());
  paths_.insert(paths_.end(), forward.begin(), forward.end());
  flow.back = static_cast<std::uint32_t>(paths_.size());
  paths_.insert(paths_.end(), back.begin(), back.end());
  flow.forward_size = static_cast<std::uint32_t>(forward.size());
  flow.back_size = static_cast<std::uint32_t>(back.size());
  flow.hops = hops;
  flow.back_hops = back_hops;
  flow.bytes = bytes;
  flow.start = start;
  flows_.push_back(flow);
}

PhaseCache::Key PacketPhase::key() {
  Hash hash;
  hash.add(static_cast<std::uint64_t>(fidelity_.nic_rate.bits_per_second));
  hash.add(fidelity_.packets.pfc ? 1 : 0);
  for (const Flow& flow : flows_) {
    hash.add(static_cast<std::uint64_t>(flow.bytes.count));
    hash.add(static_cast<std::uint64_t>(flow.start.ps));
    hash.add(std::uint64_t{flow.forward_size} << 32 | flow.back_size);
    hash.add(static_cast<std::uint64_t>(flow.hops) << 32 |
             static_cast<std::uint32_t>(flow.back_hops));
    for (std::uint32_t i = flow.forward; i < flow.back + flow.back_size; ++i) {
      const std::uint32_t port = paths_[i];
      if (names_[port] == UINT32_MAX) {
        names_[port] = static_cast<std::uint32_t>(named_.size());
        named_.push_back(port);
        hash.add(static_cast<std::uint64_t>(ports_[port].rate.bits_per_second));
        hash.add(static_cast<std::uint64_t>(ports_[port].delay.ps));
      }
      hash.add(names_[port]);
    }
  }
  hash.add(static_cast<std::uint64_t>(most_hops_));  // what one gives up, another may have to run
  for (const std::uint32_t port : named_) names_[port] = UINT32_MAX;
  named_.clear();
  return hash.key();
}

/// A time-out that is over before the first acknowledgement is back sends packets again for ever.
void PacketPhase::check_time_out() const {
  const Time given = fidelity_.packets.time_out;
  if (given == Time::zero()) return;
  for (const Flow& flow : flows_) {
    Time round_trip;
    const auto add = [&](std::uint32_t first, int hops, std::int64_t bytes) {
      for (std::uint32_t i = first; i < first + static_cast<std::uint32_t>(hops); ++i) {
        const PortSpec& port = ports_[paths_[i]];
        if (port.rate.bits_per_second > 0) round_trip += port.delay + Bytes{bytes} / port.rate;
      }
    };
    add(flow.forward, flow.hops, fidelity_.packets.mtu);
    add(flow.back, flow.back_hops, fidelity_.packets.ack_bytes);
    if (given > round_trip) continue;
    throw Error("--time-out",
                fmt::format("{} is no more than a round trip of {}", to_string(given),
                            to_string(round_trip)),
                "give a multiple of that, or leave it out");
  }
}

PhaseTime PacketPhase::run() {
  if (flows_.empty()) return {};
  check_time_out();
  std::int64_t hops = 0;
  Bytes largest;
  const std::int64_t full = fidelity_.packets.mtu - fidelity_.packets.header;
  for (const Flow& flow : flows_) {
    const std::int64_t packets = (flow.bytes.count - 1) / full + 1;
    hops += packets * (flow.hops + (fidelity_.packets.free_acks ? 0 : flow.back_hops));
    largest = std::max(largest, flow.bytes);
  }
  const bool too_many = (largest.count - 1) / full >= kMostFlowPackets;
  if (too_many && most_hops_ == 0) {
    throw Error("--fidelity", fmt::format("a flow of {} is over 2^31 packets", to_string(largest)),
                "give --fidelity fluid");
  }
  PhaseCache::Result result;
  bool is_new = true;
  if (too_many) {  // over any limit
    result.time = Time::max();
    result.totals.simulated = result.totals.given_up = 1;
  } else if (fidelity_.reuse) {
    result = cache_->find_or(key(), is_new, [this] { return simulate(); });
  } else {
    result = simulate();
  }
  ++totals_.phases;
  if (is_new) totals_ += result.totals;
  flows_.clear();
  paths_.clear();
  PhaseTime time = PhaseTime::measured(result.time, fidelity_.nic_rate);
  time.packet_hops = hops;
  return time;
}

PhaseCache::Result PacketPhase::simulate() {
  if (network_ == nullptr) {
    network_ = std::make_unique<PacketNetwork>(ports_, fidelity_.packets);
    network_->set_skip(fidelity_.skips_steady());
  }
  network_->reset();
  network_->set_hop_limit(most_hops_);
  const std::span<const std::uint32_t> paths = paths_;
  for (const Flow& flow : flows_) {
    const PacketNetwork::PathSet set =
        network_->add_paths(paths.subspan(flow.forward, flow.forward_size), flow.hops,
                            paths.subspan(flow.back, flow.back_size), flow.back_hops);
    network_->add_flow(set, flow.bytes, flow.start);
  }
  PhaseCache::Result result;
  result.time = network_->run();
  const PacketTotals totals = network_->totals();
  PhaseTotals& sum = result.totals;
  sum.simulated = 1;
  sum.given_up = result.time == Time::max() ? 1 : 0;
  sum.packet_hops = totals.packet_hops;
  sum.skipped_packets = totals.skipped_packets;
  sum.data_packets = totals.data_packets + totals.skipped_packets;
  sum.drops = totals.drops;
  sum.ecn_marks = totals.ecn_marks;
  sum.retransmissions = totals.retransmissions;
  sum.time_outs = totals.time_outs;
  sum.pauses = totals.pauses;
  return result;
}

}  // namespace mixnet
