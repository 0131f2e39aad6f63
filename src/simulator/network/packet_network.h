// The packet network: every packet, every queue, as output-queued switches and the NICs of an RDMA
// or TCP cluster see them. Its sibling fluid_network.h takes the same flows as a fluid.
//
// Ports. A directed link is an output port: a FIFO of limited bytes, a rate, a propagation delay.
// A packet that would exceed the limit is dropped (drop-tail). When a packet arrives, its departure
// is known, so a hop is one event: the arrival behind the link. ECN marks data packets by the bytes
// that they find in front of them: all that find a packet more than the threshold (DCTCP), or at
// random between it and a ceiling (DCQCN). With DCQCN, switches pause what comes in instead of
// dropping it, and mark what leaves by what it leaves behind (packet_lossless.cc).
//
// Senders. The first port of a path is a NIC's. A NIC serves its flows that may send in turn,
// packet by packet, as NICs do with queue pairs; a flow does not queue in its own host. Every data
// packet is acknowledged; acknowledgements are selective, carry the mark back, and travel over
// ports like data (or are free, an option). A packet is lost when `reorder` packets sent after it
// have been acknowledged, or by a time-out. Windows and rates: congestion_control.h.
//
// Paths. A flow has one or more paths each way; packets take them in turn (per-packet spraying),
// so one path is plain hashed ECMP.
//
// Steady state (set_skip(), off by default). When every running flow delivers as much in one
// interval as in the one before, the network jumps to shortly before the next thing that could
// change that: a start, or the first flow to end. docs/packet-network.md.
//
// Invariant (tested): data bytes sent = delivered + dropped + in flight, at any time.
// Units: bytes on the wire, headers included, unless called payload. Deterministic: the same calls
// give the same results. Not thread-safe; one object per thread. Memory: the most packets and
// flows at one time, and distinct paths; neither simulated time nor flows that ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/names.h"
#include "base/units.h"
#include "network/transport_parameters.h"

namespace mixnet {

struct PortSpec {
  Bandwidth rate;
  Time delay;
};

enum class Transport { kDctcp, kDcqcn };

template <>
struct Names<Transport> {
  static constexpr std::string_view kWhat = "transport";
  static constexpr NamedValue<Transport> kTable[] = {{"dctcp", Transport::kDctcp},
                                                     {"dcqcn", Transport::kDcqcn}};
};

struct PacketOptions {
  Transport transport = Transport::kDctcp;
  int mtu = 9000;   ///< bytes of a full data packet on the wire, up to 65535
  int header = 64;  ///< of these: Ethernet, IP, UDP or TCP and transport headers
  int ack_bytes = 64;
  bool free_acks = false;  ///< acknowledgements take no room, only their propagation delay
  // Zero: by rate (transport_parameters.h).
  Bytes queue_limit;    ///< of one port; with PFC what a switch holds from one link before a pause
  Bytes ecn_threshold;  ///< of one port; DCQCN: Kmin
  double ecn_ceiling =
      kDcqcnParameters.sure_mark;               ///< DCQCN: Kmax, in Kmins; above it all are marked
  double ecn_surest = kDcqcnParameters.surest;  ///< DCQCN: Pmax, the probability at Kmax
  /// DCQCN: switches pause what comes in (IEEE 802.1Qbb) before they run out of room. Not for
  /// routes that can wait for each other in a circle: these would stand still for ever.
  bool pfc = true;
  int initial_window = 10;   ///< packets, DCTCP (RFC 6928)
  int largest_window = 0;    ///< packets, a power of two; zero: twice what is in flight in an RTT
  int reorder = 3;           ///< packets; RFC 5681's three duplicates
  int reorder_sprayed = 64;  ///< the same for a flow of several paths
  /// Doubles, up to 64 times, while nothing arrives. Zero: 1 ms (67 ms where switches pause),
  /// doubled until it is no less than twice a flow's round trip with one full automatic queue.
  Time time_out;
};

/// Throws Error naming the flag (--mtu, --queue, ...) when an option is out of range.
void check_packet_options(const PacketOptions& options);

struct PacketTotals {
  std::int64_t data_packets = 0;  ///< sent, retransmissions included
  std::int64_t retransmissions = 0;
  std::int64_t time_outs = 0;
  std::int64_t packet_hops = 0;      ///< data or acknowledgement across one port and its link
  std::int64_t drops = 0;            ///< data and acknowledgements
  std::int64_t ecn_marks = 0;        ///< data packets marked, each once
  std::int64_t pauses = 0;           ///< asked for by switches
  std::int64_t events = 0;           ///< taken from the event queue
  std::int64_t sent_bytes = 0;       ///< of data, by NICs
  std::int64_t delivered_bytes = 0;  ///< of data, to receivers, duplicates included
  std::int64_t dropped_bytes = 0;    ///< of data
  std::int64_t in_flight_bytes = 0;  ///< of data, counted packet by packet
  std::int64_t skipped_packets = 0;  ///< data packets of the steady state, never simulated
  Time skipped_time;                 ///< likewise
};

struct PortTotals {
  std::int64_t bytes = 0;  ///< sent, skipped ones included
  Bytes deepest_queue;
};

/// Of a flow: its packets and retransmissions are counted in 32 bits.
inline constexpr std::int64_t kMostFlowPackets = std::int64_t{1} << 31;

class PacketNetwork {
 public:
  using PathSet = std::uint32_t;
  /// Called once a flow, when its receiver has every byte; may add flows.
  using OnCompletion = std::function<void(std::uint64_t tag, Time at)>;

  PacketNetwork(std::span<const PortSpec> ports, const PacketOptions& options);
  ~PacketNetwork();
  PacketNetwork(PacketNetwork&&) noexcept;
  PacketNetwork& operator=(PacketNetwork&&) noexcept;

  /// Forgets flows, paths, totals; time starts at zero. Keeps ports and memory.
  void reset();
  void set_skip(bool on);
  /// run() gives up, as if a flow could not end, soon after so many packet-hops; zero: never.
  void set_hop_limit(std::int64_t packet_hops);
  void on_completion(OnCompletion callback);

  /// Paths of `hops` ports each, one after another; `back` the way of acknowledgements.
  /// 1 to 65535 hops, 1 to 65535 paths, all ports known. Throws Error on more hops.
  PathSet add_paths(std::span<const std::uint32_t> forward, int hops,
                    std::span<const std::uint32_t> back, int back_hops);

  /// `payload` > 0 bytes from `start` on (not before now()); throws Error when these are more than
  /// kMostFlowPackets. `tag` comes back with the completion.
  void add_flow(PathSet paths, Bytes payload, Time start = Time::zero(), std::uint64_t tag = 0);

  /// Until every flow has ended: the time of the last completion. Time::max() when some flow
  /// cannot end: it gave up after 12 time-outs in a row, or 53 days have passed.
  Time run();
  /// The same up to `end`; true when every flow has ended.
  bool run_until(Time end);
  /// From the callback of a completion: run() and run_until() return right after it, and go on from
  /// there when called again. For a caller with events of his own between the network's.
  void stop();
  /// Lets what is still on its way arrive, after the last completion.
  void drain();

  Time now() const;
  std::size_t running_flows() const;  ///< not ended, started or not
  PacketTotals totals() const;        ///< O(packets in flight)
  PortTotals port_totals(std::uint32_t port) const;
  Bytes memory() const;  ///< of its arrays, unused room included

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace mixnet
