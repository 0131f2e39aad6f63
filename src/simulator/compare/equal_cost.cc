#include "compare/equal_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "fabric/cost.h"

namespace mixnet {
namespace {

constexpr std::int64_t kStep = 100'000'000;  // bit/s

/// The list, with a row on the line between its neighbours for a speed that it has not.
PriceList with_row(const PriceList& prices, Bandwidth bandwidth) {
  std::string csv = "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n";
  const auto add = [&](Bandwidth speed, const auto& price) {
    csv += fmt::format("{},{},{},{},{},{}\n", speed.to_gbps(), price(&PriceRow::transceiver),
                       price(&PriceRow::nic), price(&PriceRow::eps_port),
                       price(&PriceRow::ocs_port), price(&PriceRow::patch_panel_port));
  };
  const PriceRow* below = nullptr;
  for (const PriceRow& row : prices.rows()) {
    if (below != nullptr && below->bandwidth < bandwidth && bandwidth < row.bandwidth) {
      const double part = (bandwidth.to_gbps() - below->bandwidth.to_gbps()) /
                          (row.bandwidth.to_gbps() - below->bandwidth.to_gbps());
      add(bandwidth, [&](double PriceRow::*price) {
        return below->*price + part * (row.*price - below->*price);
      });
    }
    add(row.bandwidth, [&](double PriceRow::*price) { return row.*price; });
    below = &row;
  }
  return PriceList::parse(csv, prices.input());
}

}  // namespace

double server_usd(int nics, int optical, Bandwidth bandwidth, const PriceList& prices) {
  CostRequest request;
  request.fabric = FabricKind::kMixNet;
  request.nics_per_server = nics;
  request.eps_nics = nics - optical;
  request.bandwidth = bandwidth;
  return network_cost(request, with_row(prices, bandwidth)).total_usd();
}

EqualCost at_equal_cost(int nics, int optical, double usd, const PriceList& prices) {
  std::int64_t low = prices.rows().front().bandwidth.bits_per_second / kStep;
  std::int64_t high = prices.rows().back().bandwidth.bits_per_second / kStep;
  while (low < high) {
    const std::int64_t middle = (low + high + 1) / 2;
    if (server_usd(nics, optical, Bandwidth{middle * kStep}, prices) <= usd) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const Bandwidth bandwidth{low * kStep};
  return {bandwidth, with_row(prices, bandwidth)};
}

}  // namespace mixnet
