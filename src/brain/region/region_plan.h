// What a slice's ports should be lit to: the plan of the regional controller, without its protocol.
//
// RegionPlanner::plan(): circuits for the slice's demand on its usable ports, by the allocator that
// the configuration names, on the NICs that move the fewest ports (minimal_mapper.h). Beyond that:
//   * Nobody is cut off. Servers with EPS reach each other; a server whose EPS NICs are all down
//     needs circuits to one that has EPS, itself or through others. Where the allocator's circuits
//     do not join all live servers, circuits are set aside first: the groups of servers that are
//     joined already are taken by falling number of free ports and tied to the first, one circuit
//     each. If any wiring of the ports joins all groups, this does: a tree exists exactly when
//     every group has a free port and all together at least 2 * (groups - 1), and taking the
//     groups with most ports first keeps a port open as long as that is so. Of the possible ties,
//     a present circuit comes first, then one to a server with EPS, then the larger demand.
//   * While a phase runs, present circuits stay and only free ports get new ones, unless servers
//     would be cut off that could be joined otherwise.
//   * Present circuits that nobody wants stay lit while nobody needs their ports.
//
// Deterministic. The planner is a workspace; one per thread.
#pragma once

#include <span>
#include <vector>

#include "circuits/greedy_allocator.h"
#include "circuits/minimal_mapper.h"
#include "circuits/refined_allocator.h"
#include "region/region_state.h"

namespace mixnet {

class RegionPlanner {
 public:
  /// Sorted; empty for the pool and for a tenant that leaves.
  std::vector<PortPair> plan(const RegionState& state, const Slice& slice);

 private:
  void look(const RegionState& state, const Slice& slice);
  CircuitCounts running_counts();
  CircuitCounts free_counts();
  CircuitCounts allocated(const ServerDemand& demand, std::span<const int> free);
  int tie_groups(CircuitCounts& counts, std::vector<int>& free);
  int find_groups(const CircuitCounts& counts);

  GreedyAllocator greedy_;
  RefinedAllocator refined_;
  MinimalMapper mapper_;
  const RegionConfig* config_ = nullptr;
  int servers_ = 0;  // of the slice; the rest is numbered within it
  Matrix<std::uint8_t> usable_;
  std::vector<int> free_, eps_nics_;  // that may be used
  std::vector<bool> live_, eps_;
  std::vector<Circuit> present_;
  CircuitCounts present_counts_;
  ServerDemand demand_;
  std::vector<int> group_of_;  // by server: which are joined, by circuit or EPS; -1: down
};

}  // namespace mixnet
