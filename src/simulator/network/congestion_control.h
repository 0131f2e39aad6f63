// How fast a sender may send: the two congestion controls of the packet network, as plain state and
// functions.
//
// DCTCP (RFC 8257): a window of packets. The share of marked packets in a window is averaged into
// alpha with gain 1/16 (section 3.3). A mark cuts the window by alpha / 2 and a loss halves it,
// once for all packets sent before the cut; without marks it grows as in RFC 5681, and only while
// it is what limits the sender (RFC 7661).
//
// DCQCN (Zhu et al., SIGCOMM 2015, section 5 and its parameters): a rate. The receiver of marked
// packets sends a congestion notification (CNP) at most every 50 us a flow. A CNP cuts the rate by
// alpha / 2 and alpha rises with gain 1/256; without CNPs alpha falls every 55 us, and every 55 us
// or 10 MB the rate climbs: five times half-way back to where it was (fast recovery), then towards
// a target that rises by R_AI (additive) or, when timer and bytes both have, R_HAI. The paper's
// R_AI is a thousandth of the link's rate; R_HAI is ten times that. Timers are settled when a
// packet is sent or a CNP comes, not by events of their own.
//
// Pure functions of their arguments; floats, so equal on every machine that rounds as IEEE 754.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mixnet {

inline constexpr float kDctcpGain = 1.0F / 16;

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
    alpha += kDctcpGain * (share - alpha);
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
  static constexpr std::int64_t kCnpInterval = 50'000'000;  // ps
  static constexpr std::int64_t kTimer = 55'000'000;        // ps, of alpha and of the rate
  static constexpr std::int64_t kByteCounter = 10'000'000;
  static constexpr float kGain = 1.0F / 256;
  static constexpr int kFastRecovery = 5;

  float rate = 1;  ///< of the NIC's
  float target = 1;
  float alpha = 1;
  std::int64_t alpha_timer = 0;  ///< when they last ran
  std::int64_t rate_timer = 0;
  std::int64_t bytes = 0;                      ///< since the byte counter last ran
  std::int64_t last_cnp_sent = -kCnpInterval;  ///< receiver
  std::int64_t next_send = 0;
  int timer_rounds = 0;
  int byte_rounds = 0;

  static constexpr float kAdditive = 1e-3F;
  static constexpr float kHyper = 1e-2F;
  static constexpr float kLeast = 1e-3F;

  void on_cnp(std::int64_t now) {
    advance(now);
    target = rate;
    rate = std::max(kLeast, rate * (1 - alpha / 2));
    alpha += kGain * (1 - alpha);
    alpha_timer = rate_timer = now;
    bytes = 0;
    timer_rounds = byte_rounds = 0;
  }
  void on_send(std::int64_t now, std::int64_t wire_bytes) {
    advance(now);
    if (rate >= 1) return;
    bytes += wire_bytes;
    if (bytes >= kByteCounter) {
      bytes -= kByteCounter;
      ++byte_rounds;
      increase();
    }
  }
  /// Starts again slowly, towards the old rate.
  void on_time_out(std::int64_t now) {
    advance(now);
    target = rate;
    rate = std::min(rate, kLeast * 10);
    rate_timer = now;
    bytes = 0;
    timer_rounds = byte_rounds = 0;
  }

  /// Lets the timers run to `now`.
  void advance(std::int64_t now) {
    for (; alpha_timer + kTimer <= now && alpha > 1e-6F; alpha_timer += kTimer)
      alpha -= kGain * alpha;
    for (; rate_timer + kTimer <= now && rate < 1; rate_timer += kTimer) {
      ++timer_rounds;
      increase();
    }
    if (rate >= 1) rate_timer = now;
  }

 private:
  void increase() {
    const int most = std::max(timer_rounds, byte_rounds);
    const int least = std::min(timer_rounds, byte_rounds);
    if (least > kFastRecovery) {
      target += kHyper;
    } else if (most > kFastRecovery) {
      target += kAdditive;
    }
    target = std::min(target, 1.0F);
    rate = std::min(1.0F, (rate + target) / 2);
    if (rate > 0.9999F && target >= 1) rate = 1;
  }
};

}  // namespace mixnet
