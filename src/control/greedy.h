// Circuits for a demand: the greedy allocation of MixNet (Liao et al., SIGCOMM 2025, Algorithm 1).
//
// A pair of servers {a, b} has the demand D = demand(a, b) + demand(b, a), since a circuit serves
// both directions, and the completion time T = D / C when it holds C circuits; while it holds none,
// T is infinite. Again and again the pair with the longest T gets one more circuit, if both ends
// have a free NIC; a pair that cannot be served is done. It ends when every pair with demand is
// done. Choosing the best allocation is NP-hard; this is a heuristic.
//
// Two points on which the published pseudo-code is silent or differs:
//   * It stops at the first pair that cannot be served. Here the pairs behind it go on, so the
//     result is maximal: no pair with demand has a free NIC at both ends.
//   * Equal times: among pairs without a circuit the larger demand comes first; then, and among
//     pairs with circuits of exactly equal D / C, the lower pair (smaller a, then smaller b). Times
//     are compared as fractions, without rounding.
//
// How it is done. NICs never become free again, so Algorithm 1 falls into two phases. In the first,
// every pair is served once, by falling demand; with n servers only n * degree / 2 pairs can win,
// so sorting all n * (n - 1) / 2 is a waste: a sample of the demands gives a floor that few pairs
// exceed, those are sorted and served, and what is left of the servers goes round again with a
// lower floor. In the second phase, the pairs that hold a circuit and still have free NICs at both
// ends wait in a heap.
// Cost: O(n^2) to add up the demand, and O(n * degree * log(n * degree)) besides for demands that
// are not made to defeat the sampling; `control_bench` measures it.
//
// The object is a workspace: calls after the first of the same number of servers allocate no
// memory as long as they do not need longer lists than before. Not thread-safe; one per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "control/circuits.h"

namespace mixnet {

class GreedyAllocator {
 public:
  /// The most servers that a region can have.
  static constexpr std::size_t kMaxServers = 65'535;

  /// Circuits for `demand` (n x n bytes, entries >= 0), every server having `degree` OCS NICs. The
  /// result is valid until the next call. Throws Error when the demand is not square or has over
  /// kMaxServers rows, or the degree is negative.
  const CircuitCounts& allocate(const ServerDemand& demand, int degree);

  /// The same with `free_nics[s]` OCS NICs at server s, as after failures; 0 leaves it out.
  const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> free_nics);

 private:
  struct Pair {
    std::uint64_t demand;
    std::uint16_t a;
    std::uint16_t b;
    std::int32_t circuits;
  };

  const CircuitCounts& run(const ServerDemand& demand);
  void start(std::size_t servers);
  void add_up(const ServerDemand& demand);
  void drop_full_servers();
  std::uint64_t choose_floor(std::uint64_t ceiling);
  void gather(std::uint64_t floor, std::uint64_t ceiling);
  void serve_once();
  void deepen();
  void sift_down(std::size_t at);

  static bool more_demand(const Pair& x, const Pair& y);
  static bool longer_time(const Pair& x, const Pair& y);

  std::size_t servers_ = 0;
  std::vector<std::int32_t> free_;        // NICs left, by server
  std::vector<std::uint16_t> open_;       // servers with free NICs, ascending
  std::vector<std::uint64_t> pair_sums_;  // D of {a, b}, a < b, row by row
  std::vector<std::uint64_t> sample_;
  std::vector<Pair> candidates_;  // pairs of the current round, by falling demand
  std::vector<Pair> holders_;     // pairs with a circuit; then the heap of the second phase
  std::size_t heap_size_ = 0;
  // Matrices do not shrink in place: one for each number of servers met lately.
  std::array<CircuitCounts, 4> results_;
  std::size_t result_ = 0;
};

}  // namespace mixnet
