#include "fabric/direct_connect.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>
#include <tuple>

#include "fabric/matching.h"

namespace mixnet {

bool DirectConnect::join(int a, int b) {
  if (a == b || free_[a] == 0 || free_[b] == 0) return false;
  for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
    --free_[from];
    const auto edge = std::ranges::find(edges_[from], to, &Edge::to);
    if (edge != edges_[from].end()) {
      ++edge->circuits;
    } else {
      edges_[from].push_back({to, 1, 0});
    }
  }
  return true;
}

DirectConnect DirectConnect::find(int servers, int nics_per_server, const ExpectedTraffic& traffic,
                                  const std::set<std::pair<int, int>>& dead) {
  DirectConnect graph = with_rings(servers, nics_per_server, traffic, traffic.rings);
  if (!graph.serves(traffic)) {
    DirectConnect joined = with_rings(servers, nics_per_server, traffic, traffic.joining_rings);
    if (!joined.serves(traffic)) {
      ExpectedTraffic by_forwarding = traffic;
      by_forwarding.neighbours.clear();
      std::vector<std::vector<int>> one_ring(1, std::vector<int>(servers));
      std::iota(one_ring.front().begin(), one_ring.front().end(), 0);
      joined = with_rings(servers, nics_per_server, by_forwarding, one_ring);
    }
    if (joined.serves(traffic)) graph = std::move(joined);
  }
  graph.darken(dead);
  graph.make_links();
  graph.make_routes(traffic.pairs);
  return graph;
}

/// Steps 1 to 3.
DirectConnect DirectConnect::with_rings(int servers, int nics_per_server,
                                        const ExpectedTraffic& traffic,
                                        const std::vector<std::vector<int>>& rings) {
  DirectConnect graph;
  graph.nics_per_server_ = nics_per_server;
  graph.free_.assign(servers, nics_per_server);
  graph.edges_.resize(servers);

  graph.add_rings(traffic, rings);
  for (const auto& [a, b] : traffic.neighbours) {
    if (graph.circuits(a, b) == 0) graph.join(a, b);
  }
  DirectConnect plain = graph;
  plain.add_matchings(traffic.pairs);
  if (plain.joins_all(traffic.pairs)) return plain;
  graph.join_islands(traffic.pairs);
  graph.add_matchings(traffic.pairs);
  return graph.joins_all(traffic.pairs) ? graph : plain;  // what cannot be joined is no aim
}

void DirectConnect::add_rings(const ExpectedTraffic& traffic,
                              const std::vector<std::vector<int>>& groups) {
  std::size_t largest = 0;
  for (const auto& group : groups) largest = std::max(largest, group.size());
  if (largest < 2) return;
  const int nics_of_ring = largest == 2 ? 1 : 2;

  double pair_bytes = 0;
  std::vector<int> peers(free_.size());
  for (const auto& [a, b, bytes] : traffic.pairs) {
    pair_bytes += bytes;
    if (bytes > 0) ++peers[a], ++peers[b];
  }
  std::vector<int> wanted(free_.size());
  for (std::size_t s = 0; s < peers.size(); ++s) wanted[s] = std::min(peers[s], 2);
  for (const auto& [a, b] : traffic.neighbours) ++wanted[a], ++wanted[b];

  // Both per server and direction.
  const double all = traffic.ring_bytes + pair_bytes / static_cast<double>(free_.size());
  const double share = all > 0 ? traffic.ring_bytes / all : 0;
  const auto called_for = static_cast<int>(std::lround(share * nics_per_server_ / nics_of_ring));
  const int most = (nics_per_server_ - std::ranges::max(wanted)) / nics_of_ring;
  const int rings = std::max(1, std::min(called_for, most));
  for (int ring = 0; ring < rings; ++ring) {
    for (const auto& group : groups) {
      if (group.size() == 2) join(group[0], group[1]);
      if (group.size() <= 2) continue;
      for (std::size_t i = 0; i < group.size(); ++i) join(group[i], group[(i + 1) % group.size()]);
    }
  }
  ring_nics_ = rings * nics_of_ring;
}

/// Step 3. Pairs between islands come first, whatever their bytes.
void DirectConnect::add_matchings(std::span<const ExpectedTraffic::Pair> pairs) {
  constexpr double kHeaviest =
      0x1p30;  // of what only weighs; joining counts for more than all that
  constexpr std::int64_t kJoins = std::int64_t{1} << 48;
  double most = 0;
  for (const ExpectedTraffic::Pair& pair : pairs) most = std::max(most, pair.bytes);
  std::vector<WeightedPair> candidates;
  for (bool progress = true; progress;) {
    const std::vector<int> island = islands();
    candidates.clear();
    for (const auto& [a, b, bytes] : pairs) {
      if (a == b || bytes <= 0 || free_[a] == 0 || free_[b] == 0) continue;
      const double share = bytes / most / (circuits(a, b) + 1);
      const std::int64_t weight = 1 + std::llround(share * kHeaviest);
      candidates.push_back({a, b, weight + (island[a] == island[b] ? 0 : kJoins)});
    }
    progress = false;
    for (const std::size_t taken : heaviest_matching(static_cast<int>(free_.size()), candidates)) {
      progress |= join(candidates[taken].a, candidates[taken].b);
    }
  }
}

/// The same with circuits that join what no chain of circuits joins, and no others: heaviest first,
/// one a server and round.
void DirectConnect::join_islands(std::span<const ExpectedTraffic::Pair> pairs) {
  std::vector<bool> matched;
  std::vector<std::tuple<double, int, int>> order;
  for (bool progress = true; progress;) {
    std::vector<int> island = islands();
    order.clear();
    for (const auto& [a, b, bytes] : pairs) {
      if (bytes > 0 && free_[a] > 0 && free_[b] > 0) order.emplace_back(-bytes, a, b);
    }
    std::ranges::sort(order);
    matched.assign(free_.size(), false);
    progress = false;
    for (const auto& [weight, a, b] : order) {
      if (matched[a] || matched[b] || island[a] == island[b] || !join(a, b)) continue;
      matched[a] = matched[b] = true;
      progress = true;
      std::ranges::replace(island, int{island[b]}, int{island[a]});
    }
  }
}

bool DirectConnect::joins_all(std::span<const ExpectedTraffic::Pair> pairs) const {
  const std::vector<int> island = islands();
  return std::ranges::all_of(
      pairs, [&](const auto& pair) { return pair.bytes <= 0 || island[pair.a] == island[pair.b]; });
}

/// Whether all that must reach each other do.
bool DirectConnect::serves(const ExpectedTraffic& traffic) const {
  const std::vector<int> island = islands();
  const auto is_apart = [&](int a, int b) { return island[a] != island[b]; };
  for (const auto& [a, b] : traffic.neighbours) {
    if (is_apart(a, b)) return false;
  }
  for (const auto* groups : {&traffic.rings, &traffic.joining_rings}) {
    for (const std::vector<int>& group : *groups) {
      for (const int server : group) {
        if (is_apart(server, group.front())) return false;
      }
    }
  }
  return joins_all(traffic.pairs);
}

/// For each server, the lowest server that circuits join it to, over any number of hops.
std::vector<int> DirectConnect::islands() const {
  std::vector<int> island(edges_.size(), -1);
  std::vector<int> reached;
  for (int start = 0; start < static_cast<int>(edges_.size()); ++start) {
    if (island[start] >= 0) continue;
    island[start] = start;
    reached.assign(1, start);
    while (!reached.empty()) {
      const int server = reached.back();
      reached.pop_back();
      for (const Edge& edge : edges_[server]) {
        if (island[edge.to] >= 0) continue;
        island[edge.to] = start;
        reached.push_back(edge.to);
      }
    }
  }
  return island;
}

/// The circuits of the NICs `dead`, all counted before any goes.
void DirectConnect::darken(const std::set<std::pair<int, int>>& dead) {
  std::set<std::tuple<int, int, int>> dark;  // lower server, higher server, which of their circuits
  for (const auto& [server, nic] : dead) {
    std::vector<Edge> edges = edges_[server];
    std::ranges::sort(edges, {}, &Edge::to);
    int left = nic;
    for (const Edge& edge : edges) {
      if (left < edge.circuits) {
        dark.emplace(std::min(server, edge.to), std::max(server, edge.to), left);
        break;
      }
      left -= edge.circuits;
    }
  }
  for (const auto& [a, b, which] : dark) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      const auto edge = std::ranges::find(edges_[from], to, &Edge::to);
      if (--edge->circuits == 0) edges_[from].erase(edge);
    }
  }
}

void DirectConnect::make_links() {
  for (auto& edges : edges_) {
    std::ranges::sort(edges, {}, &Edge::to);
    for (Edge& edge : edges) {
      edge.link = static_cast<std::uint32_t>(link_rates_.size());
      link_rates_.push_back(edge.circuits);
    }
  }
  link_load_.assign(link_rates_.size(), 0);
}

void DirectConnect::make_routes(std::vector<ExpectedTraffic::Pair> pairs) {
  std::ranges::stable_sort(pairs, std::greater<>(), &ExpectedTraffic::Pair::bytes);
  for (const auto& [a, b, bytes] : pairs) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      for (const std::uint32_t link : route(from, to)) link_load_[link] += bytes / 2;
    }
  }
}

int DirectConnect::circuits(int a, int b) const {
  const auto edge = std::ranges::find(edges_[a], b, &Edge::to);
  return edge == edges_[a].end() ? 0 : edge->circuits;
}

int DirectConnect::degree(int server) const { return nics_per_server_ - free_[server]; }

const std::vector<std::uint32_t>& DirectConnect::route(int a, int b) {
  const auto [entry, fresh] = routes_.try_emplace({a, b});
  if (fresh && a != b) entry->second = shortest(a, b);
  return entry->second;
}

// Dijkstra over (hops, load): the load of a link counts relative to its rate.
std::vector<std::uint32_t> DirectConnect::shortest(int a, int b) const {
  struct Reached {
    int hops = INT32_MAX;
    double load = 0;
    int from = -1;
    std::uint32_t link = 0;
    auto rank() const { return std::tuple(hops, load); }
  };
  std::vector<Reached> reached(edges_.size());
  using Entry = std::tuple<int, double, int>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  reached[a] = {0, 0, -1, 0};
  queue.emplace(0, 0.0, a);
  while (!queue.empty()) {
    const auto [hops, load, server] = queue.top();
    queue.pop();
    if (server == b) break;
    if (std::tuple(hops, load) != reached[server].rank()) continue;
    for (const Edge& edge : edges_[server]) {
      const Reached next{hops + 1, load + link_load_[edge.link] / link_rates_[edge.link], server,
                         edge.link};
      if (next.rank() >= reached[edge.to].rank()) continue;
      reached[edge.to] = next;
      queue.emplace(next.hops, next.load, edge.to);
    }
  }
  std::vector<std::uint32_t> links;
  if (reached[b].from < 0) return links;
  for (int server = b; server != a; server = reached[server].from) {
    links.push_back(reached[server].link);
  }
  std::ranges::reverse(links);
  return links;
}

}  // namespace mixnet
