// What a slice's ports should be lit to: the plan of the regional controller, without its protocol.
//
// RegionPlanner::plan(): circuits for the slice's demand on its usable ports, as every body plans
// them (circuit_planner.h), on the NICs that move the fewest ports (minimal_mapper.h). While they
// have to stay (a phase runs, or the policy says so), present circuits stay and only free ports get
// new ones, unless servers would be cut off that could be joined otherwise. Present circuits that
// nobody wants stay lit while nobody needs their ports.
//
// RegionPlanner::rewire(): what the configured policy (switch_policy.h) makes of a new demand, by
// what the all-to-alls are expected to take (expected_exchange.h).
//
// Deterministic. The planner is a workspace; one per thread.
#pragma once

#include <vector>

#include "circuits/circuit_planner.h"
#include "circuits/minimal_mapper.h"
#include "region/region_state.h"

namespace mixnet {

class RegionPlanner {
 public:
  /// Sorted; empty for the pool and for a tenant that leaves.
  std::vector<PortPair> plan(const RegionState& state, const Slice& slice);
  Rewire rewire(const RegionState& state, const Slice& slice);

 private:
  void look(const RegionState& state, const Slice& slice);

  PlannerOptions options_;
  CircuitPlanner planner_;
  MinimalMapper mapper_;
  const RegionConfig* config_ = nullptr;
  int servers_ = 0;  // of the slice; the rest is numbered within it
  Matrix<std::uint8_t> usable_;
  RegionNics nics_;  // that may be used
  std::vector<Circuit> present_;
  CircuitCounts present_counts_;
  ServerDemand demand_;
};

}  // namespace mixnet
