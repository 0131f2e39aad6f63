#include "fabric/matching.h"

#include <lemon/matching.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <numeric>

namespace mixnet {
namespace {

constexpr std::size_t kMostPairs = std::size_t{1} << 18;

using Positions = std::vector<std::size_t>;

/// The pairs of each connected part.
std::vector<Positions> parts_of(int nodes, const std::vector<WeightedPair>& pairs) {
  std::vector<int> parent(static_cast<std::size_t>(nodes));
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (const WeightedPair& pair : pairs) {
    if (pair.weight > 0) parent[root(pair.a)] = root(pair.b);
  }
  std::vector<Positions> parts;
  std::vector<std::size_t> part_of_root(static_cast<std::size_t>(nodes), SIZE_MAX);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].weight <= 0) continue;
    std::size_t& part = part_of_root[root(pairs[i].a)];
    if (part == SIZE_MAX) {
      part = parts.size();
      parts.emplace_back();
    }
    parts[part].push_back(i);
  }
  return parts;
}

void match_greedily(const std::vector<WeightedPair>& pairs, Positions part,
                    std::vector<bool>& is_matched, Positions& taken) {
  std::stable_sort(part.begin(), part.end(),
                   [&](std::size_t x, std::size_t y) { return pairs[x].weight > pairs[y].weight; });
  for (const std::size_t i : part) {
    if (is_matched[pairs[i].a] || is_matched[pairs[i].b]) continue;
    is_matched[pairs[i].a] = is_matched[pairs[i].b] = true;
    taken.push_back(i);
  }
}

/// `number`: work space, by node.
void match_best(const std::vector<WeightedPair>& pairs, const Positions& part,
                std::vector<int>& number, Positions& taken) {
  lemon::SmartGraph graph;
  std::vector<lemon::SmartGraph::Node> nodes;
  for (const std::size_t i : part) {
    for (const int node : {pairs[i].a, pairs[i].b}) {
      if (number[node] >= 0) continue;
      number[node] = static_cast<int>(nodes.size());
      nodes.push_back(graph.addNode());
    }
  }
  lemon::SmartGraph::EdgeMap<std::int64_t> weights(graph);
  std::vector<lemon::SmartGraph::Edge> edges;
  edges.reserve(part.size());
  for (const std::size_t i : part) {
    edges.push_back(graph.addEdge(nodes[number[pairs[i].a]], nodes[number[pairs[i].b]]));
    weights[edges.back()] = pairs[i].weight;
  }
  lemon::MaxWeightedMatching<lemon::SmartGraph, lemon::SmartGraph::EdgeMap<std::int64_t>> matching(
      graph, weights);
  matching.run();
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (matching.matching(edges[i])) taken.push_back(part[i]);
  }
}

}  // namespace

std::vector<std::size_t> heaviest_matching(int nodes, const std::vector<WeightedPair>& pairs) {
  Positions taken;
  std::vector<bool> is_matched(static_cast<std::size_t>(nodes), false);
  std::vector<int> number(static_cast<std::size_t>(nodes), -1);
  for (const Positions& part : parts_of(nodes, pairs)) {
    if (part.size() == 1) {
      taken.push_back(part.front());
    } else if (part.size() > kMostPairs) {
      match_greedily(pairs, part, is_matched, taken);
    } else {
      match_best(pairs, part, number, taken);
    }
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

}  // namespace mixnet
