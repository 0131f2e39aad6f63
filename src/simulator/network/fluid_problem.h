// What the fluid network hands to its solvers: classes of flows on one path, and the queue of each
// class. Internal to fluid_network.cc and the three solvers.
//
// A class. All running flows of one path have one rate, so a class keeps one clock: the bytes that
// a flow running since the clock's zero would have been served. A flow that joins when the clock
// shows `s` ends when it shows s + bytes, its threshold; it needs no other state. So a completion
// or an arrival changes a class's weight (how many flows run) and nothing else of it.
//
// The queue. A class's members lie in members[begin, end), sorted by (start, bytes). Those in
// [arrive, end) have not started. The running ones lie in [head, tail), tail <= arrive, smallest
// threshold first: sorted as long as they started together, a binary heap once others joined
// (which sorted entries already are).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/units.h"

namespace mixnet::fluid {

inline constexpr std::uint32_t kNone = 0xffffffffU;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Flow {
  std::int64_t bytes;
  std::int64_t start;  ///< picoseconds
  std::uint32_t flow_class;
  std::uint32_t count;
};

struct Member {
  double threshold;  ///< before it starts: its bytes
  std::uint32_t flow;
  std::uint32_t count;
};

struct FluidClass {
  std::uint32_t hop_begin;
  std::uint32_t hop_count;
  std::uint32_t hash;
  std::uint32_t flow_count;
  std::uint32_t first_flow;
  // The queue, as positions in FluidProblem::members.
  std::uint32_t head;
  std::uint32_t tail;
  std::uint32_t arrive;
  std::uint32_t end;
  std::uint32_t slot;  ///< place among the classes of its component
  bool heap;
};

/// The members of `flow_class` that start at `start`.
struct Arrival {
  std::int64_t start;
  std::uint32_t flow_class;
};

struct FluidProblem {
  std::vector<Flow> flows;
  std::vector<std::int64_t> completions;  ///< picoseconds, per flow
  std::vector<FluidClass> classes;
  std::vector<std::uint32_t> hops;    ///< links of all classes, as numbers of touched links
  std::vector<double> capacities;     ///< bytes per ps, per touched link
  std::vector<std::uint32_t> places;  ///< number of a touched link within its component
  std::vector<Member> members;
  bool staggered = false;  ///< do flows start at different times?

  std::span<const std::uint32_t> path(std::uint32_t c) const {
    return {hops.data() + classes[c].hop_begin, classes[c].hop_count};
  }
  bool running(std::uint32_t c) const { return classes[c].head != classes[c].tail; }
  /// Of a running class: the clock at which its next flow ends.
  double next_threshold(std::uint32_t c) const { return members[classes[c].head].threshold; }

  /// Starts the class's next members, those of one start time, at clock `served` (0 when it is not
  /// running). Returns how many flows that are.
  double start_members(std::uint32_t c, double served);
  /// Ends all members with a threshold up to `reach`, of a class whose clock shows `served` at time
  /// `now` and advances at `rate`. Returns how many flows that are.
  double end_members(std::uint32_t c, double reach, double now, double served, double rate);

  /// All starts of the given classes in order of time.
  void list_arrivals(std::span<const std::uint32_t> of, std::vector<Arrival>& arrivals) const;
};

/// A connected part of the network: classes that share links, directly or through others, and the
/// touched links that they cross (places 0 .. links.size()-1).
struct FluidComponent {
  std::span<const std::uint32_t> classes;
  std::span<const std::uint32_t> links;
};

/// How far apart two events are still one.
inline double event_width(double now) { return std::max(0x1p-10, now * 0x1p-50); }

inline std::int64_t round_time(double ps) {
  return ps >= 9.2e18 ? Time::max().ps : static_cast<std::int64_t>(ps + 0.5);
}

inline bool ends_later(const Member& a, const Member& b) { return a.threshold > b.threshold; }

inline double FluidProblem::start_members(std::uint32_t c, double served) {
  FluidClass& k = classes[c];
  const bool joins = k.head != k.tail;
  if (!joins) {
    k.head = k.tail = k.arrive;
    k.heap = false;
  } else if (k.arrive != k.end) {
    k.heap = true;
  }
  const std::int64_t start = flows[members[k.arrive].flow].start;
  double weight = 0;
  while (k.arrive != k.end) {
    Member member = members[k.arrive];
    if (staggered && flows[member.flow].start != start) break;
    ++k.arrive;
    weight += member.count;
    member.threshold += served;
    members[k.tail++] = member;
    if (joins) {
      std::push_heap(members.begin() + k.head, members.begin() + k.tail, ends_later);
    }
  }
  return weight;
}

inline double FluidProblem::end_members(std::uint32_t c, double reach, double now, double served,
                                        double rate) {
  FluidClass& k = classes[c];
  double weight = 0;
  while (k.head != k.tail && members[k.head].threshold <= reach) {
    const Member& member = members[k.head];
    const double later = std::max(member.threshold - served, 0.0) / rate;
    completions[member.flow] = std::max(round_time(now + later), flows[member.flow].start);
    weight += member.count;
    if (k.heap) {
      std::pop_heap(members.begin() + k.head, members.begin() + k.tail, ends_later);
      --k.tail;
    } else {
      ++k.head;
    }
  }
  return weight;
}

}  // namespace mixnet::fluid
