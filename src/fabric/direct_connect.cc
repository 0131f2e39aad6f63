#include "fabric/direct_connect.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <tuple>

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

DirectConnect DirectConnect::find(int servers, int nics_per_server,
                                  const ExpectedTraffic& traffic) {
  DirectConnect graph;
  graph.nics_per_server_ = nics_per_server;
  graph.free_.assign(servers, nics_per_server);
  graph.edges_.resize(servers);

  double pair_bytes = 0;
  for (const auto& pair : traffic.pairs) pair_bytes += pair.bytes;
  const double pair_bytes_per_server = 2 * pair_bytes / servers;
  const bool has_rings =
      std::ranges::any_of(traffic.rings, [](const auto& ring) { return ring.size() > 1; });
  if (has_rings) {
    const double all = traffic.ring_bytes + pair_bytes_per_server;
    const double share = all > 0 ? traffic.ring_bytes / all : 0;
    graph.rings_per_group_ =
        std::max(1, static_cast<int>(std::lround(share * nics_per_server / 2)));
  }
  for (int ring = 0; ring < graph.rings_per_group_; ++ring) {
    for (const auto& group : traffic.rings) {
      if (group.size() == 2) graph.join(group[0], group[1]);
      if (group.size() <= 2) continue;
      for (std::size_t i = 0; i < group.size(); ++i) {
        graph.join(group[i], group[(i + 1) % group.size()]);
      }
    }
  }
  for (const auto& [a, b] : traffic.neighbours) {
    if (graph.circuits(a, b) == 0) graph.join(a, b);
  }

  std::vector<bool> matched(servers);
  for (bool progress = true; progress;) {
    const std::vector<int> island = graph.islands();
    std::vector<std::tuple<bool, double, int, int>> order;
    for (const auto& [a, b, bytes] : traffic.pairs) {
      if (bytes > 0 && graph.free_[a] > 0 && graph.free_[b] > 0) {
        order.emplace_back(island[a] == island[b], -bytes / (graph.circuits(a, b) + 1), a, b);
      }
    }
    std::ranges::sort(order);
    matched.assign(servers, false);
    progress = false;
    for (const auto& [joined, weight, a, b] : order) {
      if (matched[a] || matched[b] || !graph.join(a, b)) continue;
      matched[a] = matched[b] = true;
      progress = true;
    }
  }
  graph.make_links();

  std::vector<ExpectedTraffic::Pair> heaviest = traffic.pairs;
  std::ranges::stable_sort(heaviest, [](const auto& x, const auto& y) { return x.bytes > y.bytes; });
  for (const auto& [a, b, bytes] : heaviest) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      for (const std::uint32_t link : graph.route(from, to)) graph.link_load_[link] += bytes / 2;
    }
  }
  return graph;
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
