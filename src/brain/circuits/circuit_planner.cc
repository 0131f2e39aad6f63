#include "circuits/circuit_planner.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

namespace mixnet {
namespace {

void add_to(CircuitCounts& counts, const CircuitCounts& more) {
  for (std::size_t i = 0; i < counts.cells().size(); ++i) counts.cells()[i] += more.cells()[i];
}

/// The least time, in bytes / NIC rate, that the demand can take: of the busiest server.
double least_time(const ServerDemand& demand, const RegionNics& nics) {
  const std::size_t n = demand.rows();
  double least = 0;
  for (std::size_t s = 0; s < n; ++s) {
    double out = 0;
    double in = 0;
    int all = nics.optical[s] + nics.electrical[s];
    for (std::size_t t = 0; t < n; ++t) {
      if (s == t) continue;
      out += static_cast<double>(demand(s, t));
      in += static_cast<double>(demand(t, s));
      all += nics.fixed(s, t);
    }
    if (all > 0) least = std::max(least, std::max(out, in) / all);
  }
  return least;
}

/// What the fixed circuits leave of the demand.
ServerDemand beside_fixed(const ServerDemand& demand, const RegionNics& nics) {
  const double time = least_time(demand, nics);
  ServerDemand rest = demand;
  for (std::size_t i = 0; i < rest.cells().size(); ++i) {
    const int fixed = nics.fixed.cells()[i];
    if (fixed == 0) continue;
    const double left = static_cast<double>(rest.cells()[i]) - fixed * time;
    rest.cells()[i] = left > 0 ? static_cast<std::int64_t>(left) : 0;
  }
  return rest;
}

}  // namespace

RegionNics RegionNics::alike(std::size_t servers, int optical, int electrical) {
  return {std::vector<int>(servers, optical), std::vector<int>(servers, electrical), {}};
}

CircuitPlanner::CircuitPlanner(const PlannerOptions& options)
    : options_(options), allocator_(make_allocator(options.allocator, options.budget)) {}

const CircuitCounts& CircuitPlanner::plan(const ServerDemand& demand, const RegionNics& nics) {
  // Circuits that are there matter in two places: near them, and as ties.
  if (none_.rows() != demand.rows()) none_ = CircuitCounts(demand.rows(), demand.rows());
  return plan(demand, nics, none_);
}

void CircuitPlanner::begin(const ServerDemand& demand, const RegionNics& nics,
                           const CircuitCounts& present) {
  demand_ = &demand;
  nics_ = &nics;
  present_ = &present;
  if (nics.fixed.rows() == 0) return;
  rest_ = beside_fixed(demand, nics);
  demand_ = &rest_;
}

const CircuitCounts& CircuitPlanner::plan(const ServerDemand& demand, const RegionNics& nics,
                                          const CircuitCounts& present) {
  begin(demand, nics, present);
  const CircuitCounts& counts = allocated(nics.optical);
  if (find_groups(counts) <= 1) return filled(counts);
  std::vector<int> free = nics.optical;
  counts_ = CircuitCounts(free.size(), free.size());
  tie_groups(counts_, free);
  add_to(counts_, allocated(free));
  return filled(counts_);
}

const CircuitCounts& CircuitPlanner::plan_around(const ServerDemand& demand, const RegionNics& nics,
                                                 const CircuitCounts& present) {
  begin(demand, nics, present);
  const auto cells = present.cells();
  if (std::ranges::all_of(cells, [](int circuits) { return circuits == 0; })) {
    return plan(demand, nics, present);
  }
  CircuitCounts counts = present;
  find_free(counts);
  std::vector<int> free = free_;
  const int groups = tie_groups(counts, free);
  if (groups > 1) {
    CircuitCounts anew(counts.rows(), counts.rows());
    std::vector<int> all_free = nics.optical;
    if (tie_groups(anew, all_free) < groups) return plan(demand, nics, present);
  }
  ServerDemand unserved = *demand_;
  for (std::size_t i = 0; i < counts.cells().size(); ++i) {
    const bool fixed = nics.fixed.rows() > 0 && nics.fixed.cells()[i] > 0;
    if (counts.cells()[i] > 0 || fixed) unserved.cells()[i] = 0;
  }
  counts_ = std::move(counts);
  add_to(counts_, greedy_.allocate(unserved, free));
  return counts_;
}

const CircuitCounts& CircuitPlanner::allocated(std::span<const int> free) {
  if (goes_by_algorithm_1()) return greedy_.allocate(*demand_, free);
  if (options_.allocator == AllocatorKind::kRefined && options_.tolerance > 0) {
    return near_.allocate_near(*present_, *demand_, free, nics_->electrical, options_.tolerance,
                               options_.budget);
  }
  return allocator_->allocate(*demand_, free, nics_->electrical);
}

bool CircuitPlanner::goes_by_algorithm_1() const {
  if (options_.allocator == AllocatorKind::kGreedy) return true;
  const bool any_eps = std::ranges::any_of(nics_->electrical, [](int nics) { return nics > 0; });
  return !any_eps && options_.allocator != AllocatorKind::kExact;
}

/// What `counts` leave of the NICs.
void CircuitPlanner::find_free(const CircuitCounts& counts) {
  free_ = nics_->optical;
  for (std::size_t s = 0; s < free_.size(); ++s) {
    const auto row = counts.row(s);
    free_[s] -= std::accumulate(row.begin(), row.end(), 0);
  }
}

/// With what the allocator has no use for, by Algorithm 1 (which leaves nothing itself): a lit NIC
/// costs no more than a dark one.
const CircuitCounts& CircuitPlanner::filled(const CircuitCounts& counts) {
  if (goes_by_algorithm_1()) return counts;
  find_free(counts);
  if (std::ranges::count_if(free_, [](int nics) { return nics > 0; }) < 2) return counts;
  const CircuitCounts& more = greedy_.allocate(*demand_, free_);
  if (&counts != &counts_) counts_ = counts;
  add_to(counts_, more);
  return counts_;
}

/// Numbers the groups of live servers that circuits and EPS join; returns how many there are.
int CircuitPlanner::find_groups(const CircuitCounts& counts) {
  const std::size_t servers = counts.rows();
  const auto has_eps = [&](std::size_t s) { return nics_->electrical[s] > 0; };
  group_of_.assign(servers, -1);
  int groups = 0;
  std::vector<std::size_t> queue;
  for (std::size_t start = 0; start < servers; ++start) {
    if (!nics_->is_live(start) || group_of_[start] >= 0) continue;
    bool eps_seen = false;
    queue.assign(1, start);
    group_of_[start] = groups;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const std::size_t s = queue[at];
      const bool all_eps = has_eps(s) && !std::exchange(eps_seen, true);
      for (std::size_t t = 0; t < servers; ++t) {
        if (!nics_->is_live(t) || group_of_[t] >= 0) continue;
        if (counts(s, t) > 0 || nics_->is_fixed(s, t) || (all_eps && has_eps(t))) {
          group_of_[t] = groups;
          queue.push_back(t);
        }
      }
    }
    ++groups;
  }
  return groups;
}

/// Those with most free NICs first; before them the one with EPS, if it has a NIC: its servers are
/// the gateways of the others.
std::vector<int> CircuitPlanner::groups_in_order(std::span<const int> open) const {
  std::vector<int> order(open.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{}, [&](int g) { return open[g]; });
  for (std::size_t s = 0; s < group_of_.size(); ++s) {
    if (nics_->electrical[s] == 0 || group_of_[s] < 0 || open[group_of_[s]] == 0) continue;
    const auto at = std::ranges::find(order, group_of_[s]);
    std::rotate(order.begin(), at, at + 1);
    break;
  }
  return order;
}

std::pair<int, int> CircuitPlanner::best_tie(std::span<const int> free,
                                             std::span<const int> tree_of, int tree,
                                             int group) const {
  using Score = std::tuple<bool, bool, std::int64_t, int>;
  Score best{};
  std::pair<int, int> tie{-1, -1};
  const int servers = static_cast<int>(free.size());
  for (int a = 0; a < servers; ++a) {
    if (group_of_[a] < 0 || free[a] <= 0 || tree_of[group_of_[a]] != tree) continue;
    for (int b = 0; b < servers; ++b) {
      if (group_of_[b] != group || free[b] <= 0) continue;
      const Score score{(*present_)(a, b) > 0, nics_->electrical[a] > 0 || nics_->electrical[b] > 0,
                        (*demand_)(a, b) + (*demand_)(b, a), free[a]};
      if (tie.first < 0 || score > best) {
        best = score;
        tie = {a, b};
      }
    }
  }
  return tie;
}

/// Adds circuits on free NICs until the groups are as few as can be; returns how many are left.
int CircuitPlanner::tie_groups(CircuitCounts& counts, std::vector<int>& free) {
  const int groups = find_groups(counts);
  std::vector<int> open(static_cast<std::size_t>(groups), 0);
  for (std::size_t s = 0; s < free.size(); ++s) {
    if (group_of_[s] >= 0) open[group_of_[s]] += free[s];
  }
  std::vector<int> tree_of(static_cast<std::size_t>(groups), -1);
  int left = 0;
  int tree = -1;
  int open_nics = 0;
  for (const int g : groups_in_order(open)) {
    if (tree < 0 || open_nics == 0 || open[g] == 0) {
      ++left;
      if (open[g] == 0) continue;
      tree = g;
      tree_of[g] = g;
      open_nics = open[g];
      continue;
    }
    const auto [from, to] = best_tie(free, tree_of, tree, g);
    ++counts(from, to);
    ++counts(to, from);
    --free[from];
    --free[to];
    tree_of[g] = tree;
    open_nics += open[g] - 2;
  }
  return left;
}

}  // namespace mixnet
