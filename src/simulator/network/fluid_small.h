// Solver for small components (up to kMaxLinks links and kMaxClasses classes). Internal to
// fluid_network.cc.
//
// Max-min rates by progressive filling: the link with the smallest fair share (what is left of it,
// divided among its flows without a rate) settles, its flows get that share, and so on. The links
// that settle, in order, have ranks 0, 1, 2, ... The state before each rank is kept. A flow that
// ends at a link of rank r was without a rate at all ranks up to r and never on a link that settled
// there, so those ranks stand: subtract it from the kept states and fill again from rank r. A
// start fills again from rank 0.
//
// Links that share no flow cannot change each other's share. Where all paths are one link up and
// one link down (sided_), all up links with a share below that of every down link settle at one
// rank, and the other way round, which halves the number of steps that wait for each other.
//
// State is plain arrays of a few kilobytes and sets of classes as bits. Completion times are kept
// absolute per class, so that an event costs nothing for the ranks below its own.
#pragma once

#include <cstdint>
#include <vector>

#include "network/fluid_problem.h"

namespace mixnet::fluid {

class SmallFluidSolver {
 public:
  static constexpr std::size_t kMaxLinks = 64;
  static constexpr std::size_t kMaxClasses = 512;

  static bool fits(const FluidComponent& part) {
    return part.links.size() <= kMaxLinks && part.classes.size() <= kMaxClasses;
  }

  SmallFluidSolver();
  /// Runs the component to its end; completions go to the problem.
  void run(FluidProblem& problem, const FluidComponent& part);

 private:
  /// What is left of a link's capacity and how many of its flows have no rate: {left, waiting}. In
  /// one vector register, as both change together.
  using LinkState [[gnu::vector_size(16)]] = double;

  /// One running or future class.
  struct Slot {
    double finish;  ///< when the class's next member ends
    double rate;
    double weight;       ///< flows that run
    std::uint32_t hop;   ///< its links in hops_ begin here
    std::uint16_t hops;  ///< how many
    std::uint8_t first;  ///< of a path of two links (see sided_)
    std::uint8_t last;
  };

  void set_up(FluidProblem& problem, const FluidComponent& part);
  void start(FluidProblem& problem, std::uint32_t flow_class, std::uint32_t slot, double now);
  void end_due(FluidProblem& problem, const FluidComponent& part, std::uint32_t rank,
               std::uint32_t from, double now);
  void change_weight(const Slot& slot, std::uint32_t ranks, double change);
  template <std::size_t Stride, bool OneWord>
  struct Filling;
  void fill(std::uint32_t from, double now);
  /// `Stride` is stride_, `OneWord` tells that words_ is 1.
  template <std::size_t Stride, bool OneWord>
  void fill_one_by_one(std::uint32_t from, double now);
  template <std::size_t Stride, bool OneWord>
  void fill_by_side(std::uint32_t from, double now);

  std::size_t stride_ = 0;   ///< links, padded to a power of two
  std::size_t words_ = 0;    ///< 64-bit words of a set of classes
  std::uint32_t ranks_ = 0;  ///< ranks that are settled
  /// Does every path have two links, and is each link always first or always last? Then first
  /// links are numbers 0 .. stride_ / 2 - 1, and last links the others.
  bool sided_ = false;
  std::vector<Slot> slots_;
  std::vector<std::uint8_t> hops_;
  std::vector<LinkState> states_;        ///< [rank][link]: before this rank
  std::vector<std::uint64_t> waiting_;   ///< [rank]: classes without a rate before this rank
  std::vector<std::uint64_t> crossing_;  ///< [link]: classes that cross it
  std::vector<std::uint64_t> settled_;   ///< [rank]: classes that got their rate at this rank
  std::vector<double> levels_;           ///< [rank]: the highest rate given there
  std::vector<double> finishes_;         ///< [rank]: the first finish among its classes
  std::vector<double> soonest_;          ///< [rank]: the smallest of finishes_ up to it
  std::vector<Arrival> arrivals_;
};

}  // namespace mixnet::fluid
