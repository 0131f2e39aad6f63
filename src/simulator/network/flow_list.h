// A list of flows between hosts: what the readers of flow files give and a simulation plays.
//
// A flow is `bytes` from host `from` to another host `to`. It starts at `start`, counted from the
// begin of the run, or when a trigger starts it. A trigger counts activations, one from each flow
// that fires it and completes, and starts its flows at the `count`-th, or one of them at each;
// further activations change nothing.
// That is what it takes to write a ring (each flow starts the next) or a barrier between phases.
//
// Whoever fills a FlowList keeps within the limits below, so no index, sum or clock of a simulation
// can overflow. Messages of one connection follow one another (`behind`). Plain values; 32 bytes a
// flow, and 4 more where there are messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"

namespace mixnet {

inline constexpr int kMaxFlowHosts = 1'048'576;
inline constexpr int kMaxFlows = 10'000'000;
/// Of one flow and of all flows together: 9 PB, which JSON readers and doubles take exactly.
inline constexpr Bytes kMaxFlowBytes{std::int64_t{1} << 53};
inline constexpr Time kMaxFlowStart = Time::seconds(3600);

struct FlowRecord {
  int from = 0;                 ///< host, 0 to FlowList::hosts - 1
  int to = 0;                   ///< another host
  Bytes bytes = Bytes::zero();  ///< 1 or more
  Time start = Time::zero();    ///< zero where a trigger starts the flow
  int after = -1;               ///< index in FlowList::triggers of the one that starts it, or -1
  int fires = -1;  ///< index of the one that its completion at the receiver activates, or -1

  bool operator==(const FlowRecord&) const = default;
};

struct FlowTrigger {
  std::int64_t id = 0;      ///< its name in the file, 1 or more, no two the same
  int count = 1;            ///< activations that it takes to start its flows
  bool one_by_one = false;  ///< each activation starts the next of its flows; count is 1 then

  bool operator==(const FlowTrigger&) const = default;
};

struct FlowList {
  int hosts = 0;
  std::vector<FlowRecord> flows = {};
  std::vector<FlowTrigger> triggers = {};
  /// By flow, the flow that has to end before it starts, or -1; empty where there is none such.
  std::vector<int> behind = {};

  bool operator==(const FlowList&) const = default;
};

/// Index of the first flow that never starts, as its trigger gets fewer activations than it takes
/// (perhaps because it waits for itself); flows.size() when all start. O(flows + triggers).
std::size_t first_flow_that_never_starts(const FlowList& list);

}  // namespace mixnet
