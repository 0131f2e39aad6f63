// The engine of the packet network (packet_network.h says what it computes). Internal.
//
//   packet_engine.cc   ports, the receiving end, the event loop
//   packet_flows.cc    flows: paths, starts, ends
//   packet_sender.cc   NICs, and what a sender does: send, hear acknowledgements, find losses, time
//                      out
//   steady_state.cc    jumping over what is steady
//
// Two clocks. Events carry engine time; starts carry simulated time. They differ
// by `skipped_`, which grows when the steady state is jumped over, so that a jump moves no event.
//
// A flow's slot is reused once the flow has ended and nothing refers to it any more: `references`
// counts its packets, acknowledgements and timers in the wheel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "network/congestion_control.h"
#include "network/event_wheel.h"
#include "network/packet_network.h"
#include "network/packet_records.h"

namespace mixnet {

class PacketNetwork::Engine {
 public:
  Engine(std::span<const PortSpec> ports, const PacketOptions& options);

  void reset();
  void set_skip(bool on);
  void set_hop_limit(std::int64_t packet_hops);
  void on_completion(OnCompletion callback) { callback_ = std::move(callback); }
  PathSet add_paths(std::span<const std::uint32_t> forward, int hops,
                    std::span<const std::uint32_t> back, int back_hops);
  void add_flow(PathSet paths, std::int64_t payload, std::int64_t start, std::uint64_t tag);

  bool run_until(std::int64_t end);
  void stop() {
    stopped_ = true;
    stop_ = now_;
  }
  void drain();

  std::int64_t now() const { return now_ + skipped_; }
  /// Of all flows so far; kNever when one gave up.
  std::int64_t last_completion() const { return gave_up_ > 0 ? packet::kNever : last_completion_; }
  std::size_t running_flows() const { return running_; }
  PacketTotals totals() const;
  PortTotals port_totals(std::uint32_t port) const;
  std::int64_t memory() const;

 private:
  using Record = packet::Record;
  using Port = packet::Port;
  using Kind = packet::Kind;
  static constexpr std::uint32_t kNone = packet::kNone;

  struct alignas(64) Flow {
    // The sender's.
    std::uint32_t packets = 0;
    std::uint32_t first_unacked = 0;
    std::uint32_t next_new = 0;
    std::uint32_t in_flight = 0;
    std::uint32_t lost = 0;
    std::uint32_t transmissions = 0;
    std::uint32_t newest_acked = 0;  ///< transmission
    std::uint32_t recovery_end = 0;  ///< losses and marks of transmissions before it are paid for
    std::uint32_t window_end = 0;    ///< of the congestion control's observation
    std::uint32_t next_sender = kNone;
    DctcpWindow dctcp;
    std::uint8_t back_off = 0;
    bool in_ring = false, timer_armed = false, pacing = false;
    // The receiver's, and what both need to send packets.
    packet::Paths forward, back;
    std::uint32_t nic = 0;
    std::uint16_t last_payload = 0;  ///< bytes of the last packet
    std::uint16_t reorder = 3;
    std::uint32_t next_expected = 0;
    std::uint32_t received = 0;
    std::uint32_t history = kNone;  ///< slot in history_, once a packet was lost
    std::uint32_t references = 0;
    std::uint32_t generation = 0;
    bool started = false, ended = true;
    std::int64_t deadline = 0;
    std::int64_t last_arrival = 0;  ///< of a data packet at the receiver
  };
  static_assert(sizeof(Flow) == 128);

  struct Start {
    std::int64_t time;  ///< simulated
    std::uint64_t order;
    std::uint32_t flow;
    bool operator>(const Start& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  // packet_engine.cc
  void prepare();
  std::int64_t next_stop(std::int64_t end) const;
  void run_events();
  std::uint32_t take_record();
  void give_back(std::uint32_t index);
  void release(std::uint32_t flow);  // one reference less
  /// `bytes` of a packet: below 2^16 (kMostByteTime).
  std::int64_t time_of(const Port& port, std::int64_t bytes) const {
    return (port.byte_time * bytes) >> packet::kRateBits;
  }
  void forward(std::uint32_t index);
  void drop(std::uint32_t index);
  bool marks(const Port& port, std::int64_t backlog, std::int64_t transmission);
  void handle(std::uint32_t event);
  void receive(std::uint32_t index);
  void answer(std::uint32_t index, Flow& flow);

  // packet_flows.cc
  void start_next();
  void end_flow(std::uint32_t index);

  // packet_sender.cc
  void join_ring(std::uint32_t index);
  void unlink(Port& nic, std::uint32_t before, std::uint32_t index);
  void wake(std::uint32_t nic);
  void on_nic(std::uint32_t event);
  bool may_send(const Flow& flow) const;
  void send(std::uint32_t index);
  void on_ack(std::uint32_t index);
  void find_losses(Flow& flow);
  void on_timer(std::uint32_t event);
  void time_out(std::uint32_t index);
  void give_up(std::uint32_t index);
  void on_pace(std::uint32_t event);
  void pace(std::uint32_t index);
  std::uint32_t& transmission_of(const Flow& flow, std::uint32_t sequence);
  void keep_history(Flow& flow);
  void start_sender(std::uint32_t index);

  // steady_state.cc
  void forget_samples();
  void sample();
  std::int64_t steady_time(std::int64_t limit);
  void jump(std::int64_t length);

  // Which packets of a window are acknowledged, lost, received: bits by sequence, slots by flow.
  enum Bitmap { kAcked, kLost, kReceived };
  std::uint64_t& word(std::uint32_t flow, Bitmap map, std::uint32_t sequence) {
    return bits_[(flow * 3 + map) * words_ + (sequence & mask_) / 64];
  }
  bool test(std::uint32_t flow, Bitmap map, std::uint32_t sequence) {
    return (word(flow, map, sequence) >> (sequence & 63)) & 1;
  }
  void set(std::uint32_t flow, Bitmap map, std::uint32_t sequence) {
    word(flow, map, sequence) |= std::uint64_t{1} << (sequence & 63);
  }
  void unset(std::uint32_t flow, Bitmap map, std::uint32_t sequence) {
    word(flow, map, sequence) &= ~(std::uint64_t{1} << (sequence & 63));
  }

  PacketOptions options_;
  std::uint32_t mask_ = 0, words_ = 1;  // of a window
  std::vector<Record> records_;
  std::uint32_t free_record_ = kNone;
  EventWheel<Record> wheel_;
  std::vector<Port> ports_;
  std::vector<std::uint32_t> paths_;
  std::vector<std::pair<packet::Paths, packet::Paths>> path_sets_;
  std::vector<Flow> flows_;
  std::vector<std::uint64_t> tags_;  // by flow
  std::vector<DcqcnRate> rates_;     // by flow, DCQCN only
  std::vector<std::uint32_t> free_flows_;
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> history_;  // transmission by sequence, slots of a window
  std::vector<std::uint32_t> free_histories_;
  std::vector<Start> starts_;  // a heap, earliest first
  std::uint64_t start_order_ = 0;
  OnCompletion callback_;
  Random random_{1};

  std::size_t running_ = 0;
  std::size_t gave_up_ = 0;
  std::int64_t now_ = 0;
  std::int64_t stop_ = 0;  ///< of run_events(), engine time; new starts lower it
  bool stopped_ = false;   ///< by the callback of a completion
  std::int64_t skipped_ = 0;
  std::int64_t last_completion_ = 0;
  PacketTotals totals_;

  // Steady state.
  struct Sample {
    std::uint32_t generation = 0;
    std::uint32_t received = 0;     ///< packets, at the last check
    std::int64_t last_arrival = 0;  ///< of these
    std::uint32_t packets = 0;      ///< since the check before
    double rate = 0;                ///< packets a ps, since then
    double rate_before = 0;         ///< in the interval before that
  };
  bool skip_ = false;
  std::int64_t hop_limit_ = 0;
  std::int64_t next_check_ = packet::kNever;
  std::int64_t interval_ = 0;
  int samples_taken_ = 0;
  int unsteady_ = 0;
  std::vector<Sample> samples_;
};

}  // namespace mixnet
