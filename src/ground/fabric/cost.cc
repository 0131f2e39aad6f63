#include "fabric/cost.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxServers = std::int64_t{1} << 22;
constexpr int kMaxNics = 1024;
constexpr double kMaxOversubscription = 1000;
constexpr int kMaxTiers = 8;
constexpr int kMaxSwitchPorts = 1024;

void check_range(std::string_view what, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(what, fmt::format("{} is out of range", value),
              fmt::format("give a whole number from {} to {}", least, most));
}

void check(const CostRequest& request) {
  check_range("servers", request.servers, 1, kMaxServers);
  check_range("NICs per server", request.nics_per_server, 1, kMaxNics);
  if (request.fabric == FabricKind::kMixNet) {
    check_range("EPS NICs per server", request.eps_nics, 0, request.nics_per_server);
  }
  check_range("tiers", request.tiers, 0, kMaxTiers);
  check_range("switch ports", request.switch_ports, 4, kMaxSwitchPorts);
  if (request.switch_ports % 2 != 0) {
    throw Error("switch ports", fmt::format("{} is odd", request.switch_ports),
                "give an even number: half of them go up");
  }
  // Written so that NaN fails.
  if (!(request.oversubscription >= 1 && request.oversubscription <= kMaxOversubscription)) {
    throw Error("over-subscription", fmt::format("{} is out of range", request.oversubscription),
                fmt::format("give a number from 1 to {}", kMaxOversubscription));
  }
}

struct Quantities {
  std::int64_t nics = 0;
  std::int64_t transceivers = 0;
  std::int64_t eps_ports = 0;
  std::int64_t ocs_ports = 0;
  std::int64_t panel_ports = 0;
  std::int64_t fibres = 0;
  std::int64_t cables = 0;
};

/// A tree over `nics` NICs with `uplinks` links between each tier and the next.
void add_tree(Quantities& q, const CostRequest& request, std::int64_t nics, std::int64_t uplinks) {
  const int tiers = request.tiers > 0 ? request.tiers : tree_tiers(nics, request.switch_ports);
  const std::int64_t links = uplinks * (tiers - 1);
  q.nics += nics;
  q.transceivers += 2 * links;
  q.eps_ports += nics + 2 * links;
  q.fibres += links;
  if (request.server_link == ServerLink::kOptics) {
    q.transceivers += 2 * nics;
    q.fibres += nics;
  } else {
    q.cables += nics;
  }
}

/// NICs each on one optical port.
void add_optical(Quantities& q, std::int64_t nics, std::int64_t& ports) {
  q.nics += nics;
  q.transceivers += nics;
  ports += nics;
  q.fibres += nics;
}

Quantities count(const CostRequest& request) {
  const std::int64_t nics = std::int64_t{request.servers} * request.nics_per_server;
  Quantities q;
  if (request.tiers == 0 && request.servers == 1) return q;  // nobody to talk to
  switch (request.fabric) {
    case FabricKind::kFatTree:
    case FabricKind::kRailOptimized:
      add_tree(q, request, nics, nics);
      break;
    case FabricKind::kOversubFatTree: {
      // The slack keeps a quotient that should be whole from being rounded up past it.
      const double uplinks = static_cast<double>(nics) / request.oversubscription;
      add_tree(q, request, nics, static_cast<std::int64_t>(std::ceil(uplinks - 1e-6)));
      break;
    }
    case FabricKind::kTopoOpt:
      add_optical(q, nics, q.panel_ports);
      break;
    case FabricKind::kMixNet: {
      const std::int64_t electrical = std::int64_t{request.servers} * request.eps_nics;
      add_tree(q, request, electrical, electrical);
      add_optical(q, nics - electrical, q.ocs_ports);
      break;
    }
    case FabricKind::kIdeal:
    case FabricKind::kNvl72:
    case FabricKind::kMixNetOpticalIo:
      break;
  }
  return q;
}

double cable_price(const PriceRow& row, ServerLink link, const PriceList& prices) {
  const std::optional<double> usd = link == ServerLink::kDac ? row.dac : row.aoc;
  if (usd) return *usd;
  throw Error(
      prices.input(),
      fmt::format("has no price for {} cables at {}", to_string(link), to_string(row.bandwidth)),
      fmt::format("add a column '{}', in USD a cable", to_string(link)));
}

}  // namespace

int tree_tiers(std::int64_t nics, int ports) {
  int tiers = 1;
  for (std::int64_t reach = ports; reach < nics; reach = reach * (ports / 2)) ++tiers;
  return tiers;
}

double NetworkCost::total_usd() const {
  double total = 0;
  for (const CostPart& part : parts) total += part.usd();
  return total;
}

NetworkCost network_cost(const CostRequest& request, const PriceList& prices) {
  check(request);
  const PriceRow& row = prices.at(request.bandwidth);
  const Quantities q = count(request);
  NetworkCost cost;
  const auto add = [&](std::string_view name, std::int64_t quantity, double usd) {
    if (quantity > 0) cost.parts.push_back({std::string(name), quantity, usd});
  };
  add("nic", q.nics, row.nic);
  add("transceiver", q.transceivers, row.transceiver);
  add("eps_port", q.eps_ports, row.eps_port);
  add("ocs_port", q.ocs_ports, row.ocs_port);
  add("patch_panel_port", q.panel_ports, row.patch_panel_port);
  add("fibre", q.fibres, kFibreUsd);
  if (q.cables > 0) {
    add(to_string(request.server_link), q.cables, cable_price(row, request.server_link, prices));
  }
  return cost;
}

}  // namespace mixnet
