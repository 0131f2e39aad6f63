// Where all-to-alls happen in an iteration, each with a time of its own. Pure; O(places).
#pragma once

#include <vector>

#include "moe/model.h"
#include "moe/plan.h"
#include "moe/routing.h"

namespace mixnet {

struct ExchangePlace {
  RoutingPlace routing;
  int first_server = 0;  ///< of the region
  RoutingPlace before;   ///< whose demand the switch was set for last
};

/// In the order of JobPhases::exchange_index(). `varies`: demands differ from place to place, so
/// every MoE layer of every micro-batch of every replica is one. Else regions are, unless they are
/// all alike (`uniform`).
std::vector<ExchangePlace> exchange_places(const Model& model, const ParallelPlan& plan,
                                           bool varies, bool uniform);

}  // namespace mixnet
