#include "region/region_plan.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace mixnet {
namespace {

int sum(std::span<const std::int32_t> row) {
  int total = 0;
  for (const std::int32_t value : row) total += value;
  return total;
}

}  // namespace

std::vector<PortPair> RegionPlanner::plan(const RegionState& state, const Slice& slice) {
  std::vector<PortPair> target;
  if (slice.tenant == 0 || slice.leaving || slice.servers.size() < 2) return target;
  look(state, slice);
  const CircuitCounts counts = slice.running != 0 ? running_counts() : free_counts();

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
  const int nics = config_->optical_nics;
  servers_ = static_cast<int>(slice.servers.size());
  const auto n = static_cast<std::size_t>(servers_);
  if (usable_.rows() != n || usable_.columns() != static_cast<std::size_t>(nics)) {
    usable_ = Matrix<std::uint8_t>(n, static_cast<std::size_t>(nics));
    present_counts_ = CircuitCounts(n, n);
  }
  std::ranges::fill(present_counts_.cells(), 0);
  free_.assign(n, 0);
  live_.assign(n, false);
  eps_.assign(n, false);
  eps_nics_.assign(n, 0);
  present_.clear();
  demand_ = slice.phase.sequence != 0 ? slice.demand : ServerDemand(n, n);

  std::vector<int> number(static_cast<std::size_t>(config_->servers), -1);
  for (int s = 0; s < servers_; ++s) number[slice.servers[s]] = s;
  for (int s = 0; s < servers_; ++s) {
    const int server = slice.servers[s];
    live_[s] = state.live(server);
    eps_nics_[s] = live_[s] ? state.eps_nics_up(server) : 0;
    eps_[s] = eps_nics_[s] > 0;
    for (int nic = 0; nic < nics; ++nic) {
      const int port = server * nics + nic;
      const int peer = state.lit[port];
      // A port that another slice's is joined to, or a suspect one, cannot be used before it is
      // dark.
      const bool held = peer >= 0 && (state.owner_of(peer) != slice.tenant || state.suspect(peer));
      const bool usable = state.usable(port) && !held;
      usable_(s, nic) = usable ? 1 : 0;
      free_[s] += usable ? 1 : 0;
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

CircuitCounts RegionPlanner::free_counts() {
  CircuitCounts counts = allocated(demand_, free_);
  if (find_groups(counts) <= 1) return counts;
  std::vector<int> free = free_;
  counts = CircuitCounts(free.size(), free.size());
  tie_groups(counts, free);
  const CircuitCounts more = allocated(demand_, free);
  for (std::size_t i = 0; i < counts.cells().size(); ++i) counts.cells()[i] += more.cells()[i];
  return counts;
}

CircuitCounts RegionPlanner::running_counts() {
  CircuitCounts counts = present_counts_;
  std::vector<int> free = free_;
  for (int s = 0; s < servers_; ++s) free[s] -= sum(counts.row(s));
  const int groups = tie_groups(counts, free);
  if (groups > 1) {
    CircuitCounts anew(counts.rows(), counts.rows());
    std::vector<int> all_free = free_;
    if (tie_groups(anew, all_free) < groups) return free_counts();
  }
  ServerDemand unserved = demand_;
  for (std::size_t i = 0; i < counts.cells().size(); ++i) {
    if (counts.cells()[i] > 0) unserved.cells()[i] = 0;
  }
  const CircuitCounts& more = greedy_.allocate(unserved, free);
  for (std::size_t i = 0; i < counts.cells().size(); ++i) counts.cells()[i] += more.cells()[i];
  return counts;
}

CircuitCounts RegionPlanner::allocated(const ServerDemand& demand, std::span<const int> free) {
  // Without EPS no allocation but a full mesh ends, by the refined allocator's measure.
  if (config_->allocator == Allocator::kGreedy || config_->eps_nics == 0) {
    return greedy_.allocate(demand, free);
  }
  return refined_.allocate_near(present_counts_, demand, free, eps_nics_, config_->tolerance,
                                config_->budget);
}

/// Numbers the groups of live servers that circuits and EPS join; returns how many there are.
int RegionPlanner::find_groups(const CircuitCounts& counts) {
  group_of_.assign(static_cast<std::size_t>(servers_), -1);
  int groups = 0;
  std::vector<int> queue;
  for (int start = 0; start < servers_; ++start) {
    if (!live_[start] || group_of_[start] >= 0) continue;
    bool eps_seen = false;
    queue.assign(1, start);
    group_of_[start] = groups;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const int s = queue[at];
      const bool all_eps = eps_[s] && !std::exchange(eps_seen, true);
      for (int t = 0; t < servers_; ++t) {
        if (!live_[t] || group_of_[t] >= 0) continue;
        if (counts(s, t) > 0 || (all_eps && eps_[t])) {
          group_of_[t] = groups;
          queue.push_back(t);
        }
      }
    }
    ++groups;
  }
  return groups;
}

/// Adds circuits on free NICs until the groups are as few as can be; returns how many are left.
int RegionPlanner::tie_groups(CircuitCounts& counts, std::vector<int>& free) {
  const int groups = find_groups(counts);
  std::vector<int> open(static_cast<std::size_t>(groups), 0);
  for (int s = 0; s < servers_; ++s) {
    if (live_[s]) open[group_of_[s]] += free[s];
  }
  std::vector<int> order(static_cast<std::size_t>(groups));
  for (int g = 0; g < groups; ++g) order[g] = g;
  std::ranges::stable_sort(order, std::greater{}, [&](int g) { return open[g]; });
  // The group with EPS first, if it has a port: its servers are the gateways of the others.
  for (int s = 0; s < servers_; ++s) {
    if (!eps_[s] || open[group_of_[s]] == 0) continue;
    const auto at = std::ranges::find(order, group_of_[s]);
    std::rotate(order.begin(), at, at + 1);
    break;
  }
  std::vector<int> tree_of(static_cast<std::size_t>(groups), -1);
  int left = 0;
  int tree = -1;
  int open_ports = 0;
  for (const int g : order) {
    if (tree < 0 || open_ports == 0 || open[g] == 0) {
      ++left;
      if (open[g] == 0) continue;
      tree = g;
      tree_of[g] = g;
      open_ports = open[g];
      continue;
    }
    using Score = std::tuple<bool, bool, std::int64_t, int>;
    Score best{};
    int from = -1;
    int to = -1;
    for (int a = 0; a < servers_; ++a) {
      if (!live_[a] || free[a] <= 0 || tree_of[group_of_[a]] != tree) continue;
      for (int b = 0; b < servers_; ++b) {
        if (group_of_[b] != g || free[b] <= 0) continue;
        const Score score{present_counts_(a, b) > 0, eps_[a] || eps_[b],
                          demand_(a, b) + demand_(b, a), free[a]};
        if (from < 0 || score > best) {
          best = score;
          from = a;
          to = b;
        }
      }
    }
    ++counts(from, to);
    ++counts(to, from);
    --free[from];
    --free[to];
    tree_of[g] = tree;
    open_ports += open[g] - 2;
  }
  return left;
}

}  // namespace mixnet
