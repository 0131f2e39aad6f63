// Jumping over the steady state (after Wormhole, NSDI 2026, which skips what has settled).
//
// Every interval, the rate at which each running flow's packets arrive is measured, from arrival to
// arrival. When two intervals are alike for every flow, what comes until the next change is more of
// the same: the clock jumps, and every flow is shortened by what it would have delivered. Queues
// and windows stay as they are. The jump ends before the first flow could run out of packets to
// send, so every end, and the change of rates after it, is simulated.
//
// The interval doubles while flows deliver too few packets in it to tell, or are not steady.
#include <algorithm>
#include <cmath>

#include "network/packet_engine.h"

namespace mixnet {
namespace {

constexpr std::int64_t kShortest = 20'000'000;  // ps: of an interval
constexpr std::uint32_t kTelling = 48;          // packets of the slowest flow in an interval
constexpr double kAlike = 0.01;
constexpr int kPatience = 6;          // unsteady checks before a longer interval
constexpr std::int64_t kWorthIt = 3;  // intervals

}  // namespace

void PacketNetwork::Engine::set_skip(bool on) {
  skip_ = on;
  next_check_ = packet::kNever;
  forget_samples();
}

/// Checks are what stops run_events(), so a limit needs them as well.
void PacketNetwork::Engine::set_hop_limit(std::int64_t packet_hops) {
  hop_limit_ = packet_hops;
  next_check_ = packet::kNever;
  forget_samples();
}

/// After any change: three checks must pass again.
void PacketNetwork::Engine::forget_samples() {
  if (!skip_ && hop_limit_ == 0) return;
  samples_taken_ = unsteady_ = 0;
  interval_ = kShortest;
  next_check_ = now_ + interval_;
}

void PacketNetwork::Engine::sample() {
  next_check_ = now_ + interval_;
  if (!skip_) return;
  samples_.resize(flows_.size());
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    const Flow& flow = flows_[i];
    Sample& sample = samples_[i];
    if (sample.generation != flow.generation) {
      sample = {};
      sample.generation = flow.generation;
    }
    sample.packets = flow.received - sample.received;
    sample.rate_before = sample.rate;
    sample.rate =
        sample.packets == 0
            ? 0
            : sample.packets / static_cast<double>(flow.last_arrival - sample.last_arrival);
    sample.received = flow.received;
    sample.last_arrival = flow.last_arrival;
  }
  ++samples_taken_;
}

/// How long the network may jump from now, `limit` at most; 0 when it is not steady.
std::int64_t PacketNetwork::Engine::steady_time(std::int64_t limit) {
  if (samples_taken_ < 3 || !skip_) return 0;
  const auto longer_interval = [&] {
    interval_ *= 2;
    samples_taken_ = unsteady_ = 0;
    next_check_ = now_ + interval_;
  };
  double most = static_cast<double>(limit - interval_);
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    const Flow& flow = flows_[i];
    if (flow.ended || !flow.started) continue;
    const Sample& sample = samples_[i];
    if (sample.packets < kTelling) {
      longer_interval();
      return 0;
    }
    if (std::abs(sample.rate - sample.rate_before) > kAlike * sample.rate) {
      if (++unsteady_ == kPatience) longer_interval();
      return 0;
    }
    const double unsent = static_cast<double>(flow.packets) - flow.next_new;
    const double left = unsent - 2.0 * flow.in_flight - kTelling;
    most = std::min(most, left / std::max(sample.rate, sample.rate_before));
  }
  return most >= static_cast<double>(kWorthIt * interval_) ? static_cast<std::int64_t>(most) : 0;
}

void PacketNetwork::Engine::jump(std::int64_t length) {
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    Flow& flow = flows_[i];
    if (flow.ended || !flow.started) continue;
    const double rate = (samples_[i].rate + samples_[i].rate_before) / 2;
    const auto packets =
        static_cast<std::uint32_t>(std::llround(static_cast<double>(length) * rate));
    flow.packets -= packets;
    totals_.skipped_packets += packets;
    const auto credit = [&](const packet::Paths& paths, std::int64_t bytes) {
      for (int at = 0; at < paths.count * paths.hops; ++at) {
        ports_[paths_[paths.first + at]].bytes += bytes / paths.count;
      }
    };
    credit(flow.forward, std::int64_t{packets} * options_.mtu);
    if (!options_.free_acks) credit(flow.back, std::int64_t{packets} * options_.ack_bytes);
  }
  skipped_ += length;
  samples_taken_ = 1;
}

}  // namespace mixnet
