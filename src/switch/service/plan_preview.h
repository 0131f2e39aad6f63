// What a demand would make the controller do, if it came now: a copy of the region's state is given
// the demand, and followed until it comes to rest, with a switch that obeys at once.
//
// A demand without a sequence (0) is taken as the tenant's next phase. What waits for the end of a
// phase (the demand, or the moves that a policy makes behind it) is followed beyond that end. What
// an operator holds (SwitchHold) stays held. Pure. Cost: two or three plans of the controller's and
// a copy of the state; at most kMostSteps events.
#pragma once

#include <vector>

#include "region.pb.h"
#include "region/region_controller.h"

namespace mixnet {

struct PlanPreview {
  static constexpr int kMostSteps = 2'000;

  std::vector<PortPair> disconnect, connect;  ///< in sum; sorted
  std::vector<Circuit> circuits;              ///< announced in the end
  int ports_moved = 0;
  std::vector<Alarm> alarms;  ///< that would be raised, the first 100
};

PlanPreview preview_plan(RegionState state, DemandReport demand, Instant now);
v1::PlanReply to_wire(const PlanPreview& preview);

}  // namespace mixnet
