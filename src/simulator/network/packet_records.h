// What the packet engine keeps: packets and other events, ports, flows. Internal to packet_*.cc.
//
// All are plain records in arrays, linked by index, and sized by what the caches like: a packet is
// half a cache line, a port one line, a flow two (the sender's and the receiver's).
#pragma once

#include <cstdint>

namespace mixnet::packet {

inline constexpr std::uint32_t kNone = UINT32_MAX;
inline constexpr std::int64_t kNever = INT64_MAX;

// Why the engine's plain integers do not wrap: it handles nothing that comes later than kLatest
// (53 days), and whatever one event adds to its time (the wait in a queue, a transmission, a link's
// delay, a time-out) is kLongestWait at most.
inline constexpr std::int64_t kLatest = kNever / 2;
inline constexpr std::int64_t kLongestWait = kNever / 8;

enum class Kind : std::uint8_t {
  kFree,
  kData,   ///< arrives behind a link
  kAck,    ///< likewise
  kNic,    ///< a NIC may send its next packet
  kTimer,  ///< a flow's time-out may be due
  kPace,   ///< a rate-controlled flow may send again
  // Lossless ports only.
  kDataLeaves,  ///< a port has sent it
  kAckLeaves,   ///< likewise
  kPause        ///< what the switch behind asks of a port comes there: `marked` to pause or go on
};

struct Record {
  std::int64_t time = 0;  ///< ps
  std::uint32_t next = kNone;
  std::uint32_t flow = 0;  ///< the port, of kNic
  std::uint32_t sequence = 0;
  std::uint32_t transmission = 0;  ///< its place in the order of the flow's packets
  std::uint32_t path_at = 0;       ///< the next port, as an index into the engine's paths
  std::uint16_t wire_bytes = 0;
  std::uint8_t travels : 1 = 0;  ///< there is a port before it
  std::uint8_t marked : 1 = 0;
  std::uint8_t in_switch : 1 = 0;  ///< not in the host that sends it
  Kind kind = Kind::kFree;
};
static_assert(sizeof(Record) == 32);

inline constexpr int kMostHops = UINT16_MAX;

/// A path is the numbers of its ports; the last one's has this bit, so packets need not count.
inline constexpr std::uint32_t kLastHop = std::uint32_t{1} << 31;
inline std::uint32_t port_of(std::uint32_t hop) { return hop & ~kLastHop; }

struct alignas(64) Port {
  std::int64_t free_at = 0;    ///< when what is queued will have left
  std::int64_t byte_time = 0;  ///< 2^-kRateBits ps, kMostByteTime at most
  std::int64_t delay = 0;
  std::int64_t limit = 0;  ///< of the queue, as the ps that it takes to leave
  std::int64_t ecn = 0;    ///< likewise
  std::int64_t bytes = 0;
  std::int64_t deepest = 0;           ///< ps
  std::uint32_t last_sender = kNone;  ///< ring of flows that may send; its next is the first
  bool waking = false;                ///< a kNic event is on its way
};
static_assert(sizeof(Port) == 64);
inline constexpr int kRateBits = 10;
/// Of 119 b/s: a packet's 2^16 bytes of it are below 2^63.
inline constexpr std::int64_t kMostByteTime = std::int64_t{1} << 46;

/// A port of a lossless network, and the link's other end: what is in the switch there.
struct LosslessPort {
  std::uint32_t first = kNone, last = kNone;  ///< waiting packets, by Record::next
  std::int64_t waiting = 0;                   ///< ps that these take to leave
  std::int64_t held = 0;                      ///< bytes that came over this link and have not left
  std::int64_t pause = 0;                     ///< the switch asks for a pause when it holds more,
  std::int64_t go_on = 0;                     ///< takes that back when it holds no more than that,
  std::int64_t room = 0;                      ///< and has no room for more than that
  bool sends = false;                         ///< a packet
  bool paused = false;                        ///< by the switch behind its link
  bool asked = false;                         ///< what the switch asked for last
};

/// Paths of equal length, `count` of them one after another.
struct Paths {
  std::uint32_t first = 0;  ///< index into the engine's paths
  std::uint16_t count = 1;
  std::uint16_t hops = 0;
};

}  // namespace mixnet::packet
