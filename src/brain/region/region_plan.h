// What a slice's ports should be lit to: the plan of the regional controller, without its protocol.
//
// RegionPlanner::plan(): circuits for the slice's demand on its usable ports, as every body plans
// them (circuit_planner.h), on the NICs that move the fewest ports (minimal_mapper.h). While they
// have to stay (a phase runs, or the policy says so), present circuits stay and only free ports get
// new ones, unless servers would be cut off that could be joined otherwise. Present circuits that
// nobody wants stay lit while nobody needs their ports.
//
// Pins (CircuitPin) whose servers are both the slice's and whose ports work are in every plan, also
// in the pool's and in that of a tenant that leaves, which have nothing else. The planner knows
// them as fixed circuits, and no port of any pin is given to another circuit.
//
// RegionPlanner::rewire(): what the configured policy (switch_policy.h) makes of a new demand, by
// what the all-to-alls are expected to take (expected_exchange.h). It asks for the circuits that
// plan() asks for next, so the last answer is kept with what it was asked: a planner without
// memory would say the same, later.
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
  /// Sorted; pins alone for the pool and for a tenant that leaves.
  std::vector<PortPair> plan(const RegionState& state, const Slice& slice);
  Rewire rewire(const RegionState& state, const Slice& slice);

 private:
  void look(const RegionState& state, const Slice& slice);
  void look_at_pins(const RegionState& state, const Slice& slice);
  const CircuitCounts& wanted();

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
  std::vector<PortPair> pins_;  // that are to be lit
  std::vector<char> pinned_;    // by port; empty: no pins
  CircuitCounts lit_pins_;      // by server; empty: no pins
  // What wanted() was asked last, and its answer.
  struct Asked {
    ServerDemand demand;
    RegionNics nics;
    CircuitCounts present;
    CircuitCounts answer;
  } last_;
};

}  // namespace mixnet
