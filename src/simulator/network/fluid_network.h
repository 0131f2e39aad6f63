// The fluid network: flows share links max-min fairly, and each flow's completion time comes out.
//
// Model. A link has a capacity; a flow has a path (the links it crosses), a size and a start. At
// any moment the rates of the running flows are the max-min fair allocation: no flow's rate can be
// raised without lowering that of a flow that is not faster (Bertsekas & Gallager, "Data Networks",
// 1992, section 6.5.2). Rates hold from one completion or start to the next. There is no latency,
// no packet and no queue: a caller adds propagation himself.
//
// How it is computed, why that is exact, and what it costs: docs/fluid-network.md. In short: flows
// of one path are one class with a common clock of bytes served, parts of the network that share
// no link run on their own, and after an event only the levels that change are solved again.
//
// Units and rounding. Sizes, capacities and times are integers at the interface, doubles inside
// (bytes, bytes per picosecond, picoseconds). A completion is rounded to the nearest picosecond.
// Events less than 2^-10 ps apart (or 2^-50 of the time, when that is more) are one event, and a
// link whose fair share would change by less than 1e-12 of itself keeps it.
//
// Special cases. Zero bytes or an empty path: complete at the start. A link of zero (or negative)
// capacity on the path: never complete, Time::max(), and carry nothing. Time::max() also stands for
// an end past the range of Time.
//
// Deterministic: the same calls give the same results, to the bit. Not thread-safe; one object per
// thread. An object keeps its memory, so that clear(), add_flow() and run() do not allocate once
// they have seen runs as large; what they cost depends on the flows and the links on their paths,
// not on links().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/units.h"

namespace mixnet {

using LinkId = std::uint32_t;

/// Which solver runs a connected part of the network. Results agree to the rounding above; tests
/// hold one to the other.
enum class FluidSolver {
  kAuto,   ///< by size: the fast choice
  kLarge,  ///< always the one for large parts
};

class FluidNetwork {
 public:
  /// Links 0 .. capacities.size()-1. Copies the capacities.
  explicit FluidNetwork(std::span<const Bandwidth> capacities,
                        FluidSolver solver = FluidSolver::kAuto);
  ~FluidNetwork();
  FluidNetwork(FluidNetwork&&) noexcept;
  FluidNetwork& operator=(FluidNetwork&&) noexcept;

  std::size_t links() const;

  /// 0, the default: exact. r > 0: parts of the network that are not small are walked in steps of r
  /// times the time since the first start, with one solution of the rates per step; small ones stay
  /// exact. For dense traffic of distinct sizes among hundreds of hosts, which takes hours
  /// exactly. Mean error about r / 50, largest r / 2 (docs/fluid-network.md). Keep r below 0.1.
  void set_resolution(double r);

  /// Forgets all flows; keeps links and memory. Costs O(links touched since the last clear()).
  void clear();

  /// `count` identical flows of `bytes` EACH along `path`. Returns the flow's index: 0, 1, 2, ...
  /// since clear(). Precondition (checked in debug builds): the links exist, none is twice in the
  /// path, count > 0, bytes and start are not negative; fewer than 2^32 - 1 flows. O(path).
  std::size_t add_flow(std::span<const LinkId> path, Bytes bytes, std::uint32_t count = 1,
                       Time start = Time::zero());
  std::size_t flows() const;

  /// Runs all flows to their end. Returns the time of the last completion: zero when there are no
  /// flows, Time::max() when some flow never ends. Again without clear(): the same again, with the
  /// flows added since.
  Time run();

  Time completion(std::size_t flow) const;  ///< after run()
  /// What the flows of the last run() carried over the link. O(flows), for tests and utilisation.
  double link_bytes(LinkId link) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mixnet
