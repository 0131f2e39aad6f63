// Solver for large components: after an event it visits only the links whose fair share changes.
// Internal to fluid_network.cc.
//
// What is known of a max-min allocation. Every running class is *owned* by one link, its
// bottleneck, whose *level* is its rate; no other link on its path has a lower level. The level of
// a link is what its other classes (those that it does not own) leave of its capacity, divided
// among the flows that it owns. A link that owns nothing has no level and capacity to spare.
//
// The sweep. After an event some links' levels no longer fit. The sweep goes through levels from
// low to high; below its front all is final. A link needs attention
//   * at its old level, when its level must rise: it *releases* its classes, which are then
//     *open* (without an owner) on all their links;
//   * at (capacity - what classes owned elsewhere take) / (own and open flows), its share, when it
//     has open classes or its level must fall: it *settles*: takes that level, owns its open
//     classes, and leaves the changed rates to the other links on their paths. When it finds a
//     class owned elsewhere at a higher level, it opens that class first and looks again.
// A link's share is an average; flows at the front's rate, which is not above that average, leave
// it where it is or higher when they are taken out. So no share falls below the front, and a link
// is final when the front has passed. Where a rate comes out as it was, nothing is passed on and
// the sweep ends there.
//
// Time. All classes of an owner have one rate, so a link keeps one clock of bytes served, and
// classes the clock's value at which their next member ends: a new level costs O(1) per link, not
// per class, as far as completions go.
#pragma once

#include <cstdint>
#include <vector>

#include "network/fluid_earliest.h"
#include "network/fluid_problem.h"

namespace mixnet::fluid {

class LargeFluidSolver {
 public:
  /// Runs the component to its end; completions go to the problem.
  void run(FluidProblem& problem, const FluidComponent& part);

 private:
  struct Link {
    double capacity;
    double taken;   ///< by classes owned elsewhere
    double own;     ///< flows of the classes that it owns
    double open;    ///< flows without an owner
    double level;   ///< infinite while it owns nothing
    double queued;  ///< smallest key in the heap that stands for it, else infinite
    double served;  ///< clock, at time `when`
    double when;
    std::uint32_t begin;  ///< classes that cross it: crossing_[begin, end)
    std::uint32_t end;
    std::uint32_t released;  ///< the last sweep in which it released

    double share() const { return std::max(capacity - taken, 0.0) / (own + open); }
  };
  struct Slot {
    double weight;
    double until;  ///< owned: the owner's clock when the next member ends; open: bytes until then
    std::uint32_t owner;
    std::uint32_t hop_begin;
    std::uint32_t hop_end;
    std::uint32_t flow_class;
    std::uint32_t opened;  ///< the last sweep in which a link took it from its owner
  };
  struct Key {
    double level;
    std::uint32_t link;
  };

  void set_up(const FluidProblem& problem, const FluidComponent& part);
  void start(FluidProblem& problem, std::uint32_t slot);
  void end_due(FluidProblem& problem, std::uint32_t link);
  void sweep();
  double key(const Link& link) const;
  void touch(std::uint32_t link);
  void release(std::uint32_t link);
  void settle(std::uint32_t link, double share);
  void take_from_owner(std::uint32_t slot, std::uint32_t taker);
  void advance(Link& link) const;

  double now_ = 0;
  double front_ = 0;
  std::uint32_t sweep_ = 0;
  std::vector<Link> links_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> hops_;
  std::vector<std::uint32_t> crossing_;
  std::vector<Key> heap_;
  std::vector<std::uint32_t> due_;
  std::vector<std::uint32_t> touched_;
  EarliestTimes next_end_;
  std::vector<Arrival> arrivals_;
};

}  // namespace mixnet::fluid
