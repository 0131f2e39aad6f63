// A closer look at one run on MixNet, for pictures: what the servers of a region send each other in
// some all-to-alls, the circuits that they get for it, and how a micro-batch passes through a
// layer.
//
// The region is the first (stage 0 in replica 0), in the first micro-batch; the layers are the
// first with experts and the one in the middle of the model, since what the gates ask for differs
// from layer to layer. Made anew from the request, by the code that simulates it, but fluid always:
// the time of one simulation.
#pragma once

#include <string>
#include <vector>

#include "circuits/circuits.h"
#include "compare/comparison.h"
#include "training/timeline.h"

namespace mixnet {

struct RegionPicture {
  int layer = 0;        ///< of the model, from 0
  ServerDemand demand;  ///< of dispatch; combine is its transpose
  CircuitCounts circuits;
};

struct LayerPicture {
  std::string model;  ///< as people write it: "Mixtral 8x7B"
  ParallelPlan plan;
  Bandwidth bandwidth;
  int degree = 0;
  std::string allocator;
  std::vector<RegionPicture> regions;  ///< empty where a region is one server
  /// Of the last region's layer; each pass begins at zero.
  std::vector<TimelineSpan> forward, backward;
};

/// `request`: its first fabric must be kMixNet. Throws Error where it cannot be simulated.
LayerPicture picture_layer(const ComparisonRequest& request);

}  // namespace mixnet
