#include "region/region_plan.h"

#include <algorithm>
#include <utility>

#include "policy/expected_exchange.h"

namespace mixnet {
std::vector<PortPair> RegionPlanner::plan(const RegionState& state, const Slice& slice) {
  std::vector<PortPair> target;
  if (slice.tenant == 0 || slice.leaving || slice.servers.size() < 2) return target;
  look(state, slice);
  const CircuitCounts& counts = slice.stays()
                                    ? planner_.plan_around(demand_, nics_, present_counts_)
                                    : planner_.plan(demand_, nics_, present_counts_);

  const int nics = config_->optical_nics;
  Matrix<std::uint8_t> taken(static_cast<std::size_t>(servers_), static_cast<std::size_t>(nics));
  const auto add = [&](const Circuit& c) {
    taken(c.server_a, c.nic_a) = taken(c.server_b, c.nic_b) = 1;
    const int p = slice.servers[c.server_a] * nics + c.nic_a;
    const int q = slice.servers[c.server_b] * nics + c.nic_b;
    target.push_back({std::min(p, q), std::max(p, q)});
  };
  for (const Circuit& c : mapper_.map(present_, counts, config_->numa_of_nic, usable_)) add(c);
  for (const Circuit& c : present_) {
    if (taken(c.server_a, c.nic_a) == 0 && taken(c.server_b, c.nic_b) == 0) add(c);
  }
  std::ranges::sort(target);
  return target;
}

/// The slice in numbers of its own: what may be used, what is there.
void RegionPlanner::look(const RegionState& state, const Slice& slice) {
  config_ = &state.config;
  const PlannerOptions options = {config_->allocator, config_->budget, config_->tolerance};
  if (options != options_) planner_ = CircuitPlanner(options_ = options);
  const int nics = config_->optical_nics;
  servers_ = static_cast<int>(slice.servers.size());
  const auto n = static_cast<std::size_t>(servers_);
  if (usable_.rows() != n || usable_.columns() != static_cast<std::size_t>(nics)) {
    usable_ = Matrix<std::uint8_t>(n, static_cast<std::size_t>(nics));
    present_counts_ = CircuitCounts(n, n);
  }
  std::ranges::fill(present_counts_.cells(), 0);
  nics_.optical.assign(n, 0);
  nics_.electrical.assign(n, 0);
  nics_.dark.assign(n, 0);
  present_.clear();
  demand_ = slice.phase.sequence != 0 ? slice.demand : ServerDemand(n, n);

  std::vector<int> number(static_cast<std::size_t>(config_->servers), -1);
  for (int s = 0; s < servers_; ++s) number[slice.servers[s]] = s;
  for (int s = 0; s < servers_; ++s) {
    const int server = slice.servers[s];
    nics_.dark[s] = state.live(server) ? 0 : 1;
    nics_.electrical[s] = state.live(server) ? state.eps_nics_up(server) : 0;
    for (int nic = 0; nic < nics; ++nic) {
      const int port = server * nics + nic;
      const int peer = state.lit[port];
      // A port that another slice's is joined to, or a suspect one, cannot be used before it is
      // dark.
      const bool held = peer >= 0 && (state.owner_of(peer) != slice.tenant || state.suspect(peer));
      const bool usable = state.usable(port) && !held;
      usable_(s, nic) = usable ? 1 : 0;
      nics_.optical[s] += usable ? 1 : 0;
      if (usable && peer > port && state.usable(peer)) {
        const int t = number[config_->server_of(peer)];
        if (t == s) continue;
        Circuit circuit{s, nic, t, peer % nics};
        if (s > t) {
          std::swap(circuit.server_a, circuit.server_b);
          std::swap(circuit.nic_a, circuit.nic_b);
        }
        present_.push_back(circuit);
        ++present_counts_(s, t);
        ++present_counts_(t, s);
      }
    }
  }
}

/// No simulator has a say here: the times are expected ones.
Rewire RegionPlanner::rewire(const RegionState& state, const Slice& slice) {
  const RegionConfig& config = state.config;
  const PolicyNeeds needs = needs_of(config.policy);
  if (!needs.over_present || slice.servers.size() < 2 || slice.leaving) return Rewire::kNow;
  look(state, slice);
  const CircuitCounts wanted = planner_.plan(demand_, nics_, present_counts_);
  const RegionRates rates = {config.nic_rate, {nics_.electrical.begin(), nics_.electrical.end()}};
  const Time delay = config.switch_delay.to_time();
  const Time before = slice.outlook.before.to_time();
  const Time after = slice.outlook.after.to_time();
  const SwitchedExchange times =
      expected_exchange(demand_, wanted, present_counts_, rates, delay).with_times([&](Time time) {
        return std::max(time, slice.outlook.inside.to_time());
      });
  if (slice.outlook.expected) {
    const SwitchForecast forecast = {times.dispatch, times.present_dispatch, after, !times.changes};
    const bool moves = needs.forecast && moves_before_gate(delay, forecast, before);
    return moves ? Rewire::kNow : Rewire::kNot;
  }
  const SwitchCost cost = slice.phase.backward
                              ? backward_cost(config.policy, delay, times, before)
                              : forward_cost(config.policy, delay, times, before, after);
  return mixnet::rewire(cost.moves);
}

}  // namespace mixnet
