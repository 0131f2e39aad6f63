#include "training/phase_network.h"

#include <algorithm>
#include <utility>

namespace mixnet {
namespace {

std::vector<Bandwidth> reference_rates(std::span<const double> nic_rates) {
  std::vector<Bandwidth> rates;
  rates.reserve(nic_rates.size());
  for (const double rate : nic_rates) {
    rates.push_back(
        {static_cast<std::int64_t>(rate * static_cast<double>(kReferenceRate.bits_per_second))});
  }
  return rates;
}

/// Reduce-scatter and all-gather around the largest ring.
std::int64_t steps_of(std::span<const std::vector<int>> groups) {
  std::size_t largest = 1;
  for (const std::vector<int>& group : groups) largest = std::max(largest, group.size());
  return 2 * static_cast<std::int64_t>(largest - 1);
}

}  // namespace

PhaseNetwork::PhaseNetwork(std::span<const double> link_rates, FluidSolver solver)
    : fluid_(reference_rates(link_rates), solver) {}

void PhaseNetwork::use_packets(std::span<const PhasePort> ports, const FidelityOptions& fidelity,
                               std::shared_ptr<PhaseCache> cache) {
  packets_ = std::make_unique<PacketPhase>(ports, fidelity, std::move(cache));
}

PhaseTime PhaseNetwork::finish() {
  const Time delay = std::exchange(longest_delay_, Time::zero());
  if (packets_) return packets_->run();
  const PhaseTime time = {fluid_.run(), delay};
  fluid_.clear();
  return time;
}

PhaseTime PhaseNetwork::finish_rings(std::span<const std::vector<int>> groups) {
  const std::int64_t steps = steps_of(groups);
  const Time delay = longest_delay_;
  PhaseTime time = finish();
  // In packets, the delay of one step is in the time already.
  time.delay = packets_ ? delay * std::max<std::int64_t>(0, steps - 1) : delay * steps;
  return time;
}

}  // namespace mixnet
