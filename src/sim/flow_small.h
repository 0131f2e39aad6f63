// Solver for small components (up to kMaxLinks links and kMaxClasses classes). Internal to
// flow_network.cc.
//
// Max-min rates by progressive filling: the link with the smallest fair share (what is left of it,
// divided among its flows without a rate) settles, its flows get that share, and so on. The links
// that settle, in order, have ranks 0, 1, 2, ... The state before each rank is kept. A flow that
// ends at a link of rank r was without a rate at all ranks up to r and never on a link that settled
// there, so those ranks stand: subtract it from the kept states and fill again from rank r. A
// start fills again from rank 0.
//
// State is plain arrays of a few kilobytes and sets of classes as bits. Completion times are kept
// absolute per class, so that an event costs nothing for the ranks below its own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/flow_problem.h"

namespace mixnet::flow_internal {

class SmallFlowSolver {
 public:
  static constexpr std::size_t kMaxLinks = 64;
  static constexpr std::size_t kMaxClasses = 512;

  static bool fits(const FlowComponent& part) {
    return part.links.size() <= kMaxLinks && part.classes.size() <= kMaxClasses;
  }
  /// Runs the component to its end; completions go to the problem.
  void run(FlowProblem& problem, const FlowComponent& part);

 private:
  void set_up(FlowProblem& problem, const FlowComponent& part);
  void start(FlowProblem& problem, std::uint32_t slot, double now);
  void end_due(FlowProblem& problem, std::uint32_t rank, double now);
  void change_weight(std::uint32_t slot, std::uint32_t ranks, double change);
  void set_waiting(std::uint32_t slot, std::uint32_t ranks, bool waiting);
  void fill(std::uint32_t from, double now);

  /// One running or future class. `links` are places.
  struct Slot {
    const std::uint8_t* links;
    std::uint32_t hops;
    std::uint32_t flow_class;
    std::uint32_t rank;  ///< of the link that gives it its rate
    double weight;
    double rate;
    double finish;  ///< when the class's next member ends
  };

  std::size_t stride_ = 0;   ///< links, padded
  std::size_t words_ = 0;    ///< 64-bit words of a set of classes
  std::uint32_t ranks_ = 0;  ///< links that are settled
  std::vector<Slot> slots_;
  std::vector<std::uint8_t> hops_;
  std::vector<double> left_;            ///< [rank][link]: capacity without a taker before this rank
  std::vector<double> weights_;         ///< [rank][link]: flows without a rate before this rank
  std::vector<std::uint64_t> waiting_;  ///< [rank]: classes without a rate before this rank
  std::vector<std::uint64_t> crossing_;  ///< [link]: classes that cross it
  std::vector<std::uint64_t> settled_;   ///< [rank]: classes that got their rate at this rank
  std::vector<double> levels_;           ///< [rank]
  std::vector<double> finishes_;         ///< [rank]: the first finish among its classes
  std::vector<double> keys_;             ///< scratch of fill(), per link
  std::vector<Arrival> arrivals_;
};

}  // namespace mixnet::flow_internal
