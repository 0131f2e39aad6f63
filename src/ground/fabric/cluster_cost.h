// What a whole cluster costs: its servers, its network, and what both draw over the years.
//
//   total = servers * server price + network (cost.h)
//           + (servers' kW + network's kW) * PUE * hours * price of electricity
//
// All draw their most all the time, which a training cluster nearly does. Staff, buildings,
// interest and what is left of it at the end are not in it.
//
// Pure functions of plain values.
#pragma once

#include "fabric/cost.h"
#include "hardware/server_prices.h"

namespace mixnet {

struct RunningCost {
  double years = 4;           ///< that the cluster is used: 0.01 to 50
  double usd_per_kwh = 0.08;  ///< US industry, 2024: EIA, Electric Power Monthly
  double pue = 1.25;          ///< what the building draws for 1 kW of it; hyperscalers: 1.1 to 1.3
};

struct ClusterCost {
  double servers_usd = 0;
  double network_usd = 0;
  double energy_usd = 0;
  double total_usd() const { return servers_usd + network_usd + energy_usd; }
};

/// What the network's parts draw at that speed, kW.
double network_kw(const NetworkCost& network, const PartPower& power);

/// Throws Error on a number out of range.
ClusterCost cluster_cost(int servers, const ServerPrice& server, const NetworkCost& network,
                         const PartPower& power, const RunningCost& running);

}  // namespace mixnet
