// What `mixnet plan` answers: circuits for a demand between servers, on NICs, and how long the
// all-to-all then takes, by arithmetic (circuits/completion_time.h, circuits/balanced_time.h).
//
// Deterministic, thread-safe. Cost: the allocator's, and O(n^2) for n servers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "circuits/circuit_planner.h"
#include "circuits/circuits.h"
#include "circuits/completion_time.h"

namespace mixnet {

struct CircuitPlanRequest {
  ServerDemand demand;
  int degree = 6;    ///< OCS NICs of a server, 1 to 1024
  int eps_nics = 2;  ///< 0 to 1024
  Bandwidth bandwidth = Bandwidth::gbps(400);
  /// NUMA node of each OCS NIC; empty: two nodes, the lower half of the NICs in node 0.
  std::vector<int> numa_of_nic;
  AllocatorKind allocator = AllocatorKind::kGreedy;
  std::int64_t budget = RefinedAllocator::kDefaultBudget;  ///< moves that `refined` looks at
};

struct CircuitPlan {
  CircuitPlanRequest request;  ///< with the NUMA nodes filled in
  CircuitCounts counts;
  std::vector<Circuit> circuits;
  CompletionTime time;  ///< a pair's bytes all by circuit, or all by EPS
  Time balanced;        ///< pairs split over both; Time::max() where somebody is cut off
  Time lower_bound;     ///< of any wiring of as many NICs
};

/// Throws Error, naming the flag of `mixnet plan`, when a figure is out of range.
CircuitPlan plan_circuits(CircuitPlanRequest request);

/// How far the all-to-all with split pairs is above the bound, relative; 0 when nothing is sent.
double gap(const CircuitPlan& plan);

/// Schema mixnet.plan/1, docs/plan.md; ends with a line break.
std::string to_json(const CircuitPlan& plan);

}  // namespace mixnet
