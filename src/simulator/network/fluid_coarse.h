// Approximate solver for large dense components: walks in steps of time instead of from event to
// event. Internal to fluid_network.cc; used only when the caller asked for it (set_resolution()).
//
// A step of length W solves the rates once and holds them. What ends within the step at some time
// f W counts, in that solution, as the fraction f of a flow: so the link hands out what the flow
// leaves behind, spread over the step, and on every link that is full the bytes of the step add up.
// Which flows those are, and their f, comes from the rates of the step before.
//
// A step is as long as `resolution` times the time since the first start, but at least as long as
// until the next completion, and never goes past a start: where few flows run it is exact.
//
// Cost per step: one progressive filling from nothing and one pass over the classes, each linear in
// the running classes and sequential in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "network/fluid_problem.h"

namespace mixnet::fluid {

class CoarseFluidSolver {
 public:
  /// Runs the component to its end; completions go to the problem. `resolution` > 0.
  void run(FluidProblem& problem, const FluidComponent& part, double resolution);

 private:
  struct Key {
    double share;
    std::uint32_t link;
  };
  /// A class at one of its links, with all that fill() wants of it: memory is read in order.
  struct Crossing {
    std::uint32_t to;  ///< when all paths have two links (pairs_): the other link; else the slot
    float flows;       ///< how many run, ending ones as fractions
  };

  void keep_unfinished(const FluidProblem& problem);
  void fill();
  template <bool Pairs>
  void fill_as();
  void show(std::size_t slot, double flows);
  void show_fractions(const FluidProblem& problem, double step);
  void advance(FluidProblem& problem, double now, double step, double next_step);
  template <typename Visit>
  void for_each_rate(const Visit& visit);
  double time_to_next_end();
  void end_members(FluidProblem& problem, std::uint32_t slot, double now, double level,
                   double reach);
  double start_due(FluidProblem& problem, double limit);

  std::vector<double> capacities_;
  // Per class that has not finished ("slot"):
  std::vector<std::uint32_t> classes_;
  std::vector<std::uint32_t> hop_begin_;  ///< one more than slots
  std::vector<std::uint32_t> hops_;
  std::vector<double> until_;    ///< bytes to its next completion; infinite while it does not run
  std::vector<double> weights_;  ///< flows that run
  std::vector<std::uint32_t> crossing_at_;  ///< per place in hops_: its place in crossings_
  std::vector<std::uint32_t> slot_of_;      ///< per class of the component, by FluidClass::slot
  bool pairs_ = false;
  // Per link:
  std::vector<std::uint32_t> crossing_begin_;
  std::vector<Crossing> crossings_;
  std::vector<double> shown_;   ///< the sum over its crossings of their flows
  std::vector<double> levels_;  ///< kSpare where capacity is to spare
  std::vector<double> left_;
  std::vector<double> waiting_;
  std::vector<Key> heap_;

  std::vector<std::uint32_t> ending_;  ///< slots that are to end in the next step
  std::size_t running_ = 0;            ///< slots that run
  std::size_t stopped_ = 0;            ///< slots that stopped since keep_unfinished()
  std::vector<Arrival> arrivals_;
  std::size_t next_arrival_ = 0;
};

}  // namespace mixnet::fluid
