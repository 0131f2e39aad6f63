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
//   * Equal times. All pairs without a circuit tie: both infinite. Among them the pair whose ends
//     both have most NICs left comes first, that is the largest min(free[a], free[b]); then the
//     larger demand; then the lower pair (smaller a, then smaller b). Among pairs with circuits of
//     exactly equal D / C, the lower pair. Times are compared as fractions, without rounding.
//
// Why free NICs before demand: circuits then come in rounds, one NIC of everybody before the second
// of anybody. By demand alone, servers that are a little busier join among themselves until none
// has a NIC left, and the rest find no partner. With equal demands, 8 servers and 6 NICs, seven
// servers make a clique of 21 circuits and the eighth stays alone, all its pairs on its EPS NICs;
// in rounds it is 24 circuits, and each server lacks one pair. Where the demands of the pairs are
// far apart (log-normal), both orders give about the same times.
//
// How it is done. NICs never become free again, so Algorithm 1 falls into two phases. In the first,
// every pair is served once at most, in levels: at level L, from the most NICs that a server has
// down to 1, the servers with L or more free NICs are open, and pairs of open servers are served by
// falling demand. With n servers only n * degree / 2 pairs can win, so sorting all n * (n - 1) / 2
// is a waste: a sample of the demands gives a floor that about twice as many reach. Those are
// sorted once, and the list is scanned at each level, shorter each time. The few servers still open
// at the end of the scan go round with lower floors. In the second phase, the pairs that hold a
// circuit and still have free NICs at both ends wait in a heap.
// Cost: O(n^2) to add up the demand and to list, and about O(n * degree * (degree + log n))
// besides. A demand without the usual spread costs up to O(n^2) a level: all pairs equal, or made
// to defeat the sampling. `control_bench` measures it.
//
// The object is a workspace: calls after the first of the same number of servers allocate no
// memory as long as they do not need longer lists than before. Not thread-safe; one per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "circuits/circuits.h"

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
  void find_open_servers(int level);
  int highest_free_below(int level) const;
  std::uint64_t choose_floor(std::uint64_t ceiling, std::size_t wanted);
  void gather(std::uint64_t floor, std::uint64_t ceiling, std::vector<Pair>& pairs);
  void serve_listed(int level);
  void serve_rest(int level, std::uint64_t ceiling);
  void serve(const Pair& pair);
  void deepen();
  void sift_down(std::size_t at);

  static bool more_demand(const Pair& x, const Pair& y);
  static bool longer_time(const Pair& x, const Pair& y);

  std::size_t servers_ = 0;
  std::vector<std::int32_t> free_;        // NICs left, by server
  std::vector<std::uint16_t> open_;       // servers with free NICs at the level, ascending
  std::vector<std::uint64_t> pair_sums_;  // D of {a, b}, a < b, row by row
  std::vector<std::uint64_t> sample_;
  std::vector<Pair> listed_;   // the largest pairs without a circuit, by falling demand
  std::vector<Pair> rest_;     // smaller pairs, of the servers for which the list was too short
  std::vector<Pair> holders_;  // pairs with a circuit; then the heap of the second phase
  std::size_t heap_size_ = 0;
  // Matrices do not shrink in place: one for each number of servers met lately.
  std::array<CircuitCounts, 4> results_;
  std::size_t result_ = 0;
};

}  // namespace mixnet
