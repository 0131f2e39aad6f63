#include "fabric/cluster_cost.h"

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr double kHoursPerYear = 365.25 * 24;

void check_range(std::string_view flag, double value, double least, double most) {
  if (value >= least && value <= most) return;  // written so that NaN fails
  throw Error(flag, fmt::format("{} is out of range", value),
              fmt::format("give {} to {}", least, most));
}

}  // namespace

double network_kw(const NetworkCost& network, const PartPower& power) {
  double watts = 0;
  for (const CostPart& part : network.parts) {
    watts += static_cast<double>(part.quantity) * power.watts(part.name);
  }
  return watts / 1000;
}

ClusterCost cluster_cost(int servers, const ServerPrice& server, const NetworkCost& network,
                         const PartPower& power, const RunningCost& running) {
  check_range("--server-price", server.usd, 0, 1e9);
  check_range("--years", running.years, 0.01, 50);
  check_range("--power-price", running.usd_per_kwh, 0, 100);
  check_range("--pue", running.pue, 1, 10);
  const double kw = servers * server.kw + network_kw(network, power);
  const double hours = running.years * kHoursPerYear;
  return {servers * server.usd, network.total_usd(),
          kw * running.pue * hours * running.usd_per_kwh};
}

}  // namespace mixnet
