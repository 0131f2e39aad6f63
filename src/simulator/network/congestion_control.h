// How fast a sender may send: the two congestion controls of the packet network, as plain state and
// functions. Their numbers are in transport_parameters.h.
//
// DCTCP (RFC 8257): a window of packets. The share of marked packets in a window is averaged into
// alpha (section 3.3). A mark cuts the window by alpha / 2 and a loss halves it, once for all
// packets sent before the cut; without marks it grows as in RFC 5681, and only while it is what
// limits the sender (RFC 7661).
//
// DCQCN (Zhu et al., SIGCOMM 2015, section 3): a rate, at first the NIC's. The receiver answers a
// flow's first marked packet by a congestion notification (CNP) at once, and then sends one for
// each interval of 50 us in which a packet was marked. A CNP cuts the rate by alpha / 2 and raises
// alpha; without CNPs alpha falls every 55 us, and every 55 us or 10 MB the rate climbs: five times
// half-way back to its target, which is the rate before the cuts (fast recovery), then towards a
// target that rises by R_AI (additive) or, when timer and bytes both have, R_HAI (hyper increase).
// Timers are settled when a packet is sent or a CNP comes, not by events of their own.
//
// Pure functions of their arguments; floats, so equal on every machine that rounds as IEEE 754.
#pragma once

#include <algorithm>
#include <cstdint>

#include "network/transport_parameters.h"

namespace mixnet {

struct DctcpWindow {
  float window = 1;  ///< packets
  float slow_start_end = 1e9F;
  float alpha = 1;
  std::uint32_t acked = 0;  ///< since the observation window began
  std::uint32_t marked = 0;

  void on_ack(bool is_marked, bool limits_sender, float largest) {
    ++acked;
    if (is_marked) {
      ++marked;
    } else if (limits_sender) {
      window = std::min(largest, window + (window < slow_start_end ? 1 : 1 / window));
    }
  }
  /// A mark, the first of packets sent since the window was last cut.
  void on_congestion() {
    window = std::max(1.0F, window * (1 - alpha / 2));
    slow_start_end = window;
  }
  /// A window's worth of packets has been acknowledged.
  void end_observation() {
    const float share = static_cast<float>(marked) / static_cast<float>(acked);
    alpha += kDctcpParameters.gain * (share - alpha);
    acked = marked = 0;
  }
  void on_loss() {
    window = std::max(1.0F, window / 2);
    slow_start_end = window;
  }
  void on_time_out() {
    slow_start_end = std::max(2.0F, window / 2);
    window = 1;
  }
};

struct DcqcnRate {
  float rate = 1;  ///< of the NIC's
  float target = 1;
  float alpha = 1;
  std::int64_t alpha_timer = 0;  ///< when they last ran
  std::int64_t rate_timer = 0;
  std::int64_t bytes = 0;                                       ///< since the byte counter last ran
  std::int64_t last_cnp_sent = -kDcqcnParameters.cnp_interval;  ///< receiver
  std::int64_t next_send = 0;
  bool mark_waits = false;  ///< receiver
  int timer_rounds = 0;
  int byte_rounds = 0;

  /// At the receiver; whether it sends a CNP with this packet's acknowledgement. The first mark is
  /// answered at once; then there is one CNP for each interval in which a packet was marked.
  bool on_arrival(std::int64_t now, bool is_marked) {
    if (now - last_cnp_sent < kDcqcnParameters.cnp_interval) {
      mark_waits |= is_marked;
      return false;
    }
    const bool sends = mark_waits || is_marked;
    mark_waits = mark_waits && is_marked;  // that one is of the interval which now begins
    if (sends) last_cnp_sent = now;
    return sends;
  }

  void on_cnp(std::int64_t now) {
    advance(now);
    if (kDcqcnParameters.clamp_target || timer_rounds > 0 || byte_rounds > 0) target = rate;
    rate = std::max(kDcqcnParameters.least_rate, rate * (1 - alpha / 2));
    alpha += kDcqcnParameters.gain * (1 - alpha);
    alpha_timer = rate_timer = now;
    bytes = 0;
    timer_rounds = byte_rounds = 0;
  }
  void on_send(std::int64_t now, std::int64_t wire_bytes) {
    advance(now);
    if (rate >= 1) return;
    bytes += wire_bytes;
    if (bytes >= kDcqcnParameters.byte_counter) {
      bytes -= kDcqcnParameters.byte_counter;
      ++byte_rounds;
      increase();
    }
  }
  /// Starts again slowly, towards the old rate.
  void on_time_out(std::int64_t now) {
    advance(now);
    target = rate;
    rate = std::min(rate, kDcqcnParameters.least_rate * 10);
    rate_timer = now;
    bytes = 0;
    timer_rounds = byte_rounds = 0;
  }

  /// Lets the timers run to `now`.
  void advance(std::int64_t now) {
    for (; alpha_timer + kDcqcnParameters.alpha_timer <= now && alpha > 1e-6F;
         alpha_timer += kDcqcnParameters.alpha_timer)
      alpha -= kDcqcnParameters.gain * alpha;
    for (; rate_timer + kDcqcnParameters.rate_timer <= now && rate < 1;
         rate_timer += kDcqcnParameters.rate_timer) {
      ++timer_rounds;
      increase();
    }
    if (rate >= 1) rate_timer = now;
  }

 private:
  void increase() {
    const int most = std::max(timer_rounds, byte_rounds);
    const int least = std::min(timer_rounds, byte_rounds);
    if (least > kDcqcnParameters.fast_recovery) {
      target += kDcqcnParameters.hyper;
    } else if (most > kDcqcnParameters.fast_recovery) {
      target += kDcqcnParameters.additive;
    }
    target = std::min(target, 1.0F);
    rate = std::min(1.0F, (rate + target) / 2);
    if (rate > 0.9999F && target >= 1) rate = 1;
  }
};

}  // namespace mixnet
