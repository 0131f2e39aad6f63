#include "forecast/demand_hedge.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace mixnet {
namespace {

// Of a gate's loss when the next one is learnt: some 500 gates count.
constexpr double kDecay = 0.998;

}  // namespace

ServerDemand level_demand(const ServerDemand& forecast, double strength) {
  const std::size_t n = forecast.rows();
  if (n < 2 || strength == 0) return forecast;
  std::vector<double> excess(n);  // received, less the mean
  double mean = 0;
  for (std::size_t to = 0; to < n; ++to) {
    for (std::size_t from = 0; from < n; ++from) {
      if (from != to) excess[to] += static_cast<double>(forecast(from, to));
    }
    mean += excess[to] / static_cast<double>(n);
  }
  const double receivers = std::min(strength, 1.0);
  const double pairs = std::max(strength - 1, 0.0);
  const double pair_mean = mean / static_cast<double>(n - 1);
  for (double& value : excess) value = receivers * (value - mean) / static_cast<double>(n - 1);
  ServerDemand levelled = forecast;
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      std::int64_t& bytes = levelled(from, to);
      if (from == to || bytes == 0) continue;
      const double level = static_cast<double>(bytes) - excess[to];
      bytes = std::max<std::int64_t>(1, std::llround(level + pairs * (pair_mean - level)));
    }
  }
  return levelled;
}

void DemandHedge::learn(const ServerDemand& forecast,
                        const std::function<double(const ServerDemand&)>& time_for) {
  std::array<double, kStrengths.size()> times;
  for (std::size_t i = 0; i < times.size(); ++i) {
    times[i] = time_for(level_demand(forecast, kStrengths[i]));
  }
  const double best = *std::ranges::min_element(times);
  // Nothing to send, or no way to send it: all are alike.
  if (!(best > 0 && best < std::numeric_limits<double>::infinity())) return;
  for (std::size_t i = 0; i < times.size(); ++i) {
    losses_[i] = kDecay * losses_[i] + (1 - best / times[i]);
  }
}

double DemandHedge::strength() const {
  const auto least = std::ranges::min_element(losses_) - losses_.begin();
  return kStrengths[static_cast<std::size_t>(least)];
}

}  // namespace mixnet
