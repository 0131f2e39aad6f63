// The fluid network while it runs: flows are added at the present moment, and ends are called back,
// so that what ends can start more. FluidNetwork (fluid_network.h) is faster where all flows and
// their starts are known beforehand; the model is the same: max-min fair rates at any moment.
//
// A flow's last byte has left its links when its `bytes` have been served at the fair rates; its
// end is called back `delay` later, the propagation that a fluid does not have.
//
// How. A start or an end changes rates only within its connected part of the network (flows that
// share links, directly or through others). That part is solved anew by progressive filling
// (Bertsekas & Gallager, "Data Networks", 1992, section 6.5.2), once for all changes of one moment.
// Cost: O(links of the part on its flows' paths * log) a change.
//
// Completions are rounded to the nearest picosecond, and those of one picosecond are one moment.
// Links of zero capacity are refused (checked in debug builds). Deterministic. Not thread-safe.
// Memory: the most flows at one time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/units.h"

namespace mixnet {

class LiveFluid {
 public:
  /// May add flows, and call stop().
  using OnCompletion = std::function<void(std::uint64_t tag, Time at)>;

  explicit LiveFluid(std::span<const Bandwidth> capacities);

  void on_completion(OnCompletion callback) { callback_ = std::move(callback); }

  /// From now on. `bytes` > 0; no link twice in the path, which is not empty. `tag` comes back.
  void add_flow(std::span<const std::uint32_t> path, Bytes bytes, Time delay, std::uint64_t tag);

  /// Up to `end`, what happens then included; true when no flow is left. now() is `end` then, or,
  /// when that is Time::max(), the last completion.
  bool run_until(Time end);
  /// From a callback: run_until() returns right after it.
  void stop() { stopped_ = true; }

  Time now() const { return now_; }
  std::size_t running_flows() const { return running_; }  ///< of which the end has not been called
  double link_bytes(std::uint32_t link) const { return links_[link].bytes; }

 private:
  struct Hop {
    std::uint32_t link;
    std::uint32_t place;  ///< in the link's list of flows
  };
  struct Flow {
    std::vector<Hop> hops;
    double left = 0;  ///< bytes, at `since`
    double rate = 0;  ///< bytes a ps
    std::int64_t since = 0;
    Time delay;
    std::uint64_t tag = 0;
    std::uint32_t version = 0;  ///< of its place in the queue of ends
    std::uint32_t seen = 0;
    bool settled = false;
  };
  struct FlowHop {
    std::uint32_t flow;
    std::uint32_t hop;
  };
  struct Link {
    double capacity = 0;  ///< bytes a ps
    double bytes = 0;     ///< of flows that ended
    std::vector<FlowHop> flows;
    std::uint32_t seen = 0;
    // While a part is solved.
    double left = 0;
    std::uint32_t unsettled = 0;
  };
  struct Event {
    std::int64_t time;
    std::uint64_t order;
    std::uint32_t flow;
    std::uint32_t version;
    bool is_end;  ///< of the delay, too
    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  void push(std::int64_t time, std::uint32_t flow, bool is_end);
  void take_off(std::uint32_t flow);
  void solve();
  void find_part(std::uint32_t link);
  void fill_part();
  void settle(std::uint32_t flow, double rate);

  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_flows_;
  std::vector<Event> events_;  ///< a heap, earliest first
  std::uint64_t order_ = 0;
  std::vector<std::uint32_t> changed_;  ///< links whose flows are others than when solved last
  std::uint32_t solution_ = 0;          ///< marks what has been seen
  std::vector<std::uint32_t> part_links_, part_flows_;
  std::vector<std::pair<double, std::uint32_t>> shares_;  ///< a heap, smallest first
  std::size_t running_ = 0;
  Time now_;
  bool stopped_ = false;
  OnCompletion callback_;
};

}  // namespace mixnet
