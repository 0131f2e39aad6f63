#include "region/region_plan.h"

#include <algorithm>
#include <utility>

#include "policy/expected_exchange.h"

namespace mixnet {
namespace {

/// Whether what is lit on a port keeps it from use until it is dark: a circuit to a port of another
/// slice, to a suspect one, or to one that is not ours.
bool is_held(const RegionState& state, int port) {
  const int peer = state.lit[port];
  return peer >= 0 && (state.owner_of(peer) != state.owner_of(port) || state.suspect(peer) ||
                       state.config.forbids(peer));
}

CircuitCounts sum(const CircuitCounts& some, const CircuitCounts& more) {
  CircuitCounts all = some;
  for (std::size_t i = 0; i < more.cells().size(); ++i) all.cells()[i] += more.cells()[i];
  return all;
}

}  // namespace

std::vector<PortPair> RegionPlanner::plan(const RegionState& state, const Slice& slice) {
  if (slice.tenant == 0 || slice.leaving || slice.servers.size() < 2) {
    look_at_pins(state, slice);
    return pins_;
  }
  look(state, slice);
  const CircuitCounts& counts =
      slice.stays() ? planner_.plan_around(demand_, nics_, present_counts_) : wanted();

  std::vector<PortPair> target = pins_;
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

/// Circuits for the demand when nothing has to stay.
const CircuitCounts& RegionPlanner::wanted() {
  if (last_.answer.rows() == 0 || last_.demand != demand_ || last_.nics != nics_ ||
      last_.present != present_counts_) {
    last_ = {demand_, nics_, present_counts_, planner_.plan(demand_, nics_, present_counts_)};
  }
  return last_.answer;
}

/// Which pins are to be lit in the slice, and which ports are in any.
void RegionPlanner::look_at_pins(const RegionState& state, const Slice& slice) {
  pins_.clear();
  pinned_.clear();
  if (state.pins.empty()) return;
  pinned_.assign(state.lit.size(), 0);
  const auto works = [&](int port) {
    return state.owner_of(port) == slice.tenant && state.usable(port) && !is_held(state, port);
  };
  for (const PortPair& pin : state.pins) {
    pinned_[pin.a] = pinned_[pin.b] = 1;
    if (works(pin.a) && works(pin.b)) pins_.push_back(pin);
  }
}

/// The slice in numbers of its own: what may be used, what is there.
void RegionPlanner::look(const RegionState& state, const Slice& slice) {
  config_ = &state.config;
  const PlannerOptions options = {config_->allocator, config_->budget, config_->tolerance};
  if (options != options_) {
    planner_ = CircuitPlanner(options_ = options);
    last_ = {};
  }
  look_at_pins(state, slice);
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
  nics_.fixed = lit_pins_ = pins_.empty() ? CircuitCounts() : CircuitCounts(n, n);
  present_.clear();
  demand_ = slice.phase.sequence != 0 ? slice.demand : ServerDemand(n, n);

  std::vector<int> number(static_cast<std::size_t>(config_->servers), -1);
  for (int s = 0; s < servers_; ++s) number[slice.servers[s]] = s;
  for (const PortPair& pin : pins_) {
    const int s = number[config_->server_of(pin.a)];
    const int t = number[config_->server_of(pin.b)];
    const int lit = state.lit[pin.a] == pin.b ? 1 : 0;
    nics_.fixed(s, t) = ++nics_.fixed(t, s);
    lit_pins_(s, t) = lit_pins_(t, s) += lit;
  }
  const auto is_free = [&](int port) {
    return state.usable(port) && (pinned_.empty() || pinned_[port] == 0);
  };
  for (int s = 0; s < servers_; ++s) {
    const int server = slice.servers[s];
    nics_.dark[s] = state.live(server) ? 0 : 1;
    nics_.electrical[s] = state.live(server) ? state.eps_nics_up(server) : 0;
    for (int nic = 0; nic < nics; ++nic) {
      const int port = server * nics + nic;
      const int peer = state.lit[port];
      const bool usable = is_free(port) && !is_held(state, port);
      usable_(s, nic) = usable ? 1 : 0;
      nics_.optical[s] += usable ? 1 : 0;
      if (usable && peer > port && is_free(peer)) {
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
  const bool pins = !pins_.empty();
  const CircuitCounts then = pins ? sum(wanted(), nics_.fixed) : wanted();
  const CircuitCounts present = pins ? sum(present_counts_, lit_pins_) : present_counts_;
  const RegionRates rates = {config.nic_rate, {nics_.electrical.begin(), nics_.electrical.end()}};
  const Time delay = config.switch_delay.to_time();
  const Time before = slice.outlook.before.to_time();
  const Time after = slice.outlook.after.to_time();
  const SwitchedExchange times =
      expected_exchange(demand_, then, present, rates, delay).with_times([&](Time time) {
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
