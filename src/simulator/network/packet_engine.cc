#include "network/packet_engine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/caller.h"

namespace mixnet {

using packet::kNever;
using packet::Paths;

namespace {

constexpr int kHorizonBits = 27;  // 2^27 ps: small networks need no longer wheel
constexpr int kTierHops = 6;      // of the longest path of a three-tier network, for the window
constexpr std::int64_t kEventsUnasked = 4096;  // from stop point to stop point, some 0.2 ms

__extension__ using Wide = __int128;

/// 2^-kRateBits ps.
std::int64_t byte_time_at(Bandwidth rate) {
  const double ps = 8e12 / static_cast<double>(rate.bits_per_second);
  return std::min(saturating_round(ps * (1 << packet::kRateBits)), packet::kMostByteTime);
}

/// How long `bytes` take to leave a queue: any number of them, unlike Engine::time_of().
std::int64_t queue_time(const packet::Port& port, Bytes bytes) {
  const Wide time = (Wide{port.byte_time} * bytes.count) >> packet::kRateBits;
  return static_cast<std::int64_t>(std::min<Wide>(time, packet::kLongestWait));
}

}  // namespace

PacketNetwork::Engine::Engine(std::span<const PortSpec> ports, const PacketOptions& options)
    : options_(options), wheel_(records_) {
  ports_.resize(ports.size());
  double window = 64;
  const bool is_dcqcn = options.transport == Transport::kDcqcn;
  const int share = is_dcqcn ? 4 : 2;  // of the queue; Kmax is four times Kmin
  for (std::size_t i = 0; i < ports.size(); ++i) {
    Port& port = ports_[i];
    port.byte_time = byte_time_at(ports[i].rate);
    port.delay = std::min(ports[i].delay.ps, packet::kLongestWait);
    const std::int64_t packet_time = time_of(port, options.mtu);
    port.limit = options.queue_limit.count > 0 ? queue_time(port, options.queue_limit)
                                               : automatic_queue(port);
    if (ports[i].rate.bits_per_second <= 0) port.limit = 0;  // what comes is dropped, for ever
    if (options.ecn_threshold.count > 0) {
      port.ecn = queue_time(port, options.ecn_threshold);
    } else {
      port.ecn = queue_time(port, {saturating_round(automatic_threshold(ports[i].rate))});
      // A queue that was given may be smaller than that: marks must come before losses or pauses.
      if (options.queue_limit.count > 0) port.ecn = std::min(port.ecn, port.limit / share);
    }
    double round_trip =
        kTierHops * (2 * static_cast<double>(port.delay) + static_cast<double>(packet_time));
    // Windows are not what DCQCN controls: they let queues fill.
    if (is_dcqcn) round_trip += static_cast<double>(std::min(port.limit, automatic_queue(port)));
    window = std::max(window, 2 * round_trip / static_cast<double>(packet_time));
  }
  is_lossless_ = is_dcqcn && options.pfc;
  if (is_lossless_) prepare_lossless(ports);
  time_out_ = options.time_out > Time::zero() ? options.time_out.ps
              : is_lossless_                  ? kDcqcnParameters.time_out
                                              : kQueues.time_out;
  // Automatic windows end where a flow's bits would fill more than a few cache lines, unless its
  // own path asks for more: widen_for().
  least_window_ = options.largest_window > 0
                      ? static_cast<std::uint32_t>(options.largest_window)
                      : std::bit_ceil(static_cast<std::uint32_t>(std::min(window, 4096.0)));
  widen(least_window_);
}

/// Bytes: Kmin of DCQCN.
double PacketNetwork::Engine::automatic_threshold(Bandwidth rate) const {
  const double least = static_cast<double>(kQueues.least_threshold) * options_.mtu;
  const bool is_dcqcn = options_.transport == Transport::kDcqcn;
  const double bytes = rate.bytes_per_second();
  return std::max(is_dcqcn ? kmin_at(bytes) : dctcp_threshold_at(bytes), least);
}

std::int64_t PacketNetwork::Engine::automatic_queue(const Port& port) const {
  return std::max(kQueues.limit, kQueues.least_limit * time_of(port, options_.mtu));
}

void PacketNetwork::Engine::reset() {
  wheel_.clear();
  records_.clear();
  free_record_ = kNone;
  for (Port& port : ports_) {
    port.free_at = port.bytes = port.deepest = 0;
    port.last_sender = kNone;
    port.waking = false;
  }
  reset_lossless();
  paths_.clear();
  path_sets_.clear();
  flows_.clear();
  tags_.clear();
  rates_.clear();
  free_flows_.clear();
  bits_.clear();
  history_.clear();
  free_histories_.clear();
  widen(least_window_);
  starts_.clear();
  start_order_ = 0;
  random_ = Random(1);
  running_ = gave_up_ = 0;
  now_ = skipped_ = last_completion_ = 0;
  stopped_ = false;
  totals_ = {};
  next_check_ = kNever;
  samples_.clear();
}

/// Before the first event: a slot of the wheel is as long as packet arrivals lie apart.
void PacketNetwork::Engine::prepare() {
  double arrivals = 0;  // a ps, with every port busy
  for (const Port& port : ports_) {
    arrivals += 1.0 / static_cast<double>(std::max<std::int64_t>(1, time_of(port, options_.mtu)));
  }
  // Seldom are all busy, and as many acknowledgements come along.
  const double apart = arrivals > 0 ? 1 / arrivals : 1e6;
  const int slot = static_cast<int>(std::ceil(std::log2(std::max(16.0, 2 * apart))));
  wheel_.set_slot(slot, kHorizonBits - slot);
}

/// The next start, check of the steady state, or just behind `end`; kNever behind kLatest.
std::int64_t PacketNetwork::Engine::next_stop(std::int64_t end) const {
  const std::int64_t start = starts_.empty() ? kNever : starts_.front().time;
  const std::int64_t check = next_check_ == kNever ? kNever : next_check_ + skipped_;
  const std::int64_t stop = std::min({start, check, end == kNever ? end : end + 1});
  return stop <= packet::kLatest ? stop : kNever;
}

bool PacketNetwork::Engine::run_until(std::int64_t end) {
  if (totals_.events == 0 && wheel_.empty()) prepare();
  while (running_ > 0) {
    const std::int64_t stop = next_stop(end);
    stop_ = std::min(stop, packet::kLatest) - skipped_;
    run_events();
    if (std::exchange(stopped_, false)) return running_ == 0;
    if (running_ == 0) break;
    if (next_stop(end) != stop) continue;  // a flow ended, and its callback may have changed things
    if (stop == kNever) {                  // nothing left to happen, as long as time is counted
      if (end != kNever) now_ = std::max(now_, packet::kLatest - skipped_);
      return false;
    }
    if (stop > end) {
      now_ = std::max(now_, end - skipped_);
      return false;
    }
    now_ = std::max(now_, stop - skipped_);
    if (!starts_.empty() && stop == starts_.front().time) {
      start_next();
      forget_samples();
    } else {
      if (wheel_.empty() && starts_.empty()) return false;
      if (hop_limit_ > 0 && totals_.packet_hops > hop_limit_) return false;
      sample();
      const std::int64_t start = starts_.empty() ? kNever : starts_.front().time;
      const std::int64_t length = steady_time(std::min({end, start, packet::kLatest}) - now());
      if (length > 0) jump(length);
    }
  }
  return true;
}

void PacketNetwork::Engine::drain() {
  for (std::uint32_t event; (event = wheel_.pop_before(kNever)) != kNoEvent;) handle(event);
}

/// Events before `stop_`, until no flow is left.
void PacketNetwork::Engine::run_events() {
  while (running_ > 0) {
    if ((totals_.events & (kEventsUnasked - 1)) == 0) stop_point();
    const std::uint32_t event = wheel_.pop_before(stop_);
    if (event == kNoEvent) return;
    if (const std::uint32_t next = wheel_.peek(1); next != kNoEvent) {
      __builtin_prefetch(&ports_[packet::port_of(paths_[records_[next].path_at])]);
    }
    if (const std::uint32_t later = wheel_.look_ahead(); later != kNoEvent) {
      const Record& record = records_[later];
      if (record.travels != 0) {
        __builtin_prefetch(&paths_[record.path_at]);
      } else if (record.kind != Kind::kNic) {
        __builtin_prefetch(&flows_[record.flow]);
        __builtin_prefetch(reinterpret_cast<const char*>(&flows_[record.flow]) + 64);
      }
    }
    handle(event);
  }
}

inline void PacketNetwork::Engine::handle(std::uint32_t event) {
  Record& record = records_[event];
  now_ = std::max(now_, record.time);
  ++totals_.events;
  if (record.kind == Kind::kData || record.kind == Kind::kAck) [[likely]] {
    if (record.travels != 0) return forward(event);
    return record.kind == Kind::kData ? receive(event) : on_ack(event);
  }
  switch (record.kind) {
    case Kind::kNic:
      on_nic(event);
      break;
    case Kind::kTimer:
      on_timer(event);
      break;
    case Kind::kPace:
      on_pace(event);
      break;
    case Kind::kDataLeaves:
    case Kind::kAckLeaves:
      leave(event);
      break;
    case Kind::kPause:
      on_pause(event);
      break;
    case Kind::kData:
    case Kind::kAck:
      break;  // above
    case Kind::kFree:
      break;  // is in no queue
  }
}

PacketTotals PacketNetwork::Engine::totals() const {
  PacketTotals totals = totals_;
  for (const Record& record : records_) {
    if (record.kind == Kind::kData || record.kind == Kind::kDataLeaves)
      totals.in_flight_bytes += record.wire_bytes;
  }
  totals.skipped_time = {skipped_};
  return totals;
}

std::int64_t PacketNetwork::Engine::memory() const {
  const auto of = [](const auto&... vectors) {
    return ((vectors.capacity() * sizeof(vectors[0])) + ...);
  };
  return static_cast<std::int64_t>(wheel_.capacity_bytes() +
                                   of(records_, ports_, lossless_, paths_, path_sets_, flows_,
                                      tags_, rates_, free_flows_, bits_, history_, free_histories_,
                                      starts_, samples_));
}

PortTotals PacketNetwork::Engine::port_totals(std::uint32_t index) const {
  const Port& port = ports_[index];
  return {port.bytes,
          {port.byte_time > 0 ? static_cast<std::int64_t>(
                                    (Wide{port.deepest} << packet::kRateBits) / port.byte_time)
                              : 0}};
}

std::uint32_t PacketNetwork::Engine::take_record() {
  if (free_record_ == kNone) {
    records_.emplace_back();
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  const std::uint32_t index = free_record_;
  free_record_ = records_[index].next;
  records_[index] = Record{};
  return index;
}

void PacketNetwork::Engine::give_back(std::uint32_t index) {
  records_[index].kind = Kind::kFree;
  records_[index].next = free_record_;
  free_record_ = index;
}

void PacketNetwork::Engine::release(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (--flow.references > 0 || !flow.ended) return;
  if (flow.history != kNone) free_histories_.push_back(flow.history);
  flow.history = kNone;
  std::fill_n(bits_.begin() + std::ptrdiff_t{3} * index * words_, 3 * words_, 0);
  free_flows_.push_back(index);
}

/// Sends the packet into its next port, or drops it.
void PacketNetwork::Engine::forward(std::uint32_t index) {
  if (is_lossless_) [[unlikely]]
    return enter(index);
  Record& packet = records_[index];
  const std::uint32_t hop = paths_[packet.path_at];
  Port& port = ports_[packet::port_of(hop)];
  const std::int64_t backlog = std::max<std::int64_t>(0, port.free_at - now_);
  const std::int64_t transmission = time_of(port, packet.wire_bytes);
  if (backlog + transmission > port.limit) [[unlikely]] {
    drop(index);
    return;
  }
  if (backlog > port.ecn && packet.kind == Kind::kData && packet.marked == 0 &&
      marks(port, backlog, transmission)) {
    ++totals_.ecn_marks;
    packet.marked = 1;
  }
  port.deepest = std::max(port.deepest, backlog);
  port.bytes += packet.wire_bytes;
  port.free_at = now_ + backlog + transmission;
  packet.time = port.free_at + port.delay;
  ++packet.path_at;
  packet.travels = (hop & packet::kLastHop) == 0;
  ++totals_.packet_hops;
  wheel_.push(index);
}

void PacketNetwork::Engine::drop(std::uint32_t index) {
  ++totals_.drops;
  if (records_[index].kind == Kind::kData) totals_.dropped_bytes += records_[index].wire_bytes;
  const std::uint32_t flow = records_[index].flow;
  give_back(index);
  release(flow);
}

/// DCTCP marks all above the threshold; DCQCN at random up to a ceiling, and all above that.
/// DCTCP's threshold is blurred by the length of a packet: where nothing is random, flows fall into
/// step and the same one meets the threshold every time (Floyd and Jacobson, 1991, on phase
/// effects).
bool PacketNetwork::Engine::marks(const Port& port, std::int64_t backlog,
                                  std::int64_t transmission) {
  if (options_.transport == Transport::kDctcp) {
    return static_cast<double>(backlog - port.ecn) >
           random_.uniform() * static_cast<double>(transmission);
  }
  const double place = (static_cast<double>(backlog) / static_cast<double>(port.ecn) - 1) /
                       std::max(1e-9, options_.ecn_ceiling - 1);
  return place >= 1 || random_.uniform() < place * options_.ecn_surest;
}

void PacketNetwork::Engine::receive(std::uint32_t index) {
  Record& packet = records_[index];
  const std::uint32_t flow_index = packet.flow;
  Flow& flow = flows_[flow_index];
  totals_.delivered_bytes += packet.wire_bytes;
  if (flow.ended) {  // a duplicate; nobody waits for its acknowledgement
    give_back(index);
    release(flow_index);
    return;
  }
  flow.last_arrival = now_;
  const std::uint32_t sequence = packet.sequence;
  const bool in_order = flow.received == flow.next_expected;
  if (sequence == flow.next_expected && in_order) {
    ++flow.next_expected;
    ++flow.received;
  } else if (sequence >= flow.next_expected && !test(flow_index, kReceived, sequence)) {
    ++flow.received;
    set(flow_index, kReceived, sequence);
    while (test(flow_index, kReceived, flow.next_expected)) {
      unset(flow_index, kReceived, flow.next_expected++);
    }
  }
  if (flow.received == flow.packets) {
    give_back(index);
    end_flow(flow_index);
    release(flow_index);
    return;
  }
  answer(index, flow);
}

/// Turns the data packet that has arrived into its acknowledgement.
void PacketNetwork::Engine::answer(std::uint32_t index, Flow& flow) {
  Record& packet = records_[index];
  packet.kind = Kind::kAck;
  packet.in_switch = 0;
  if (options_.transport == Transport::kDcqcn) {
    packet.marked = rates_[packet.flow].on_arrival(now_, packet.marked == 1);
  }
  const std::uint32_t path =
      flow.back.count == 1 ? 0 : (packet.flow + packet.transmission) % flow.back.count;
  packet.path_at = flow.back.first + path * flow.back.hops;
  if (options_.free_acks) {
    std::int64_t delay = 0;
    for (int hop = 0; hop < flow.back.hops; ++hop) {
      delay += ports_[packet::port_of(paths_[packet.path_at + hop])].delay;
    }
    packet.time = now_ + delay;
    packet.travels = 0;
    wheel_.push(index);
    return;
  }
  packet.wire_bytes = static_cast<std::uint16_t>(options_.ack_bytes);
  packet.travels = 1;
  forward(index);
}

}  // namespace mixnet
