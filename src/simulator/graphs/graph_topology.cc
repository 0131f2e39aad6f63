#include "graphs/graph_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostHops = 65'534;  // of a path; the packet network takes one more port
constexpr double kFastestLink = 100e3;     // Gb/s

class GraphTopology final : public FlowTopology {
 public:
  GraphTopology(const TaskGraph& graph, Bandwidth bandwidth, Time latency, std::string input)
      : input_(std::move(input)) {
    if (graph.connections.empty()) {
      throw Error("--fabric", "topoopt is the graph's own connections, and it has none",
                  "give another fabric, or a graph of TopoOpt's era with connections");
    }
    const std::uint64_t vertices = std::uint64_t{graph.nodes} + graph.switches;
    const auto check = [&](std::uint32_t vertex) {
      if (vertex < vertices) return;
      throw Error(input_, fmt::format("connects node {}", vertex),
                  fmt::format("give 0 to {}, nodes and switches", vertices - 1));
    };
    std::map<Ends, std::uint64_t> links;
    for (const GraphConnection& one : graph.connections) {
      check(one.from);
      check(one.to);
      if (one.count > 0) links[{one.from, one.to}] += one.count;
    }
    std::map<Ends, std::uint64_t> both = links;
    for (const auto& [ends, count] : links) both.try_emplace({ends.second, ends.first}, count);

    for (const auto& [ends, count] : both) {
      if (bandwidth.to_gbps() * static_cast<double>(count) > kFastestLink) {
        throw Error(input_,
                    fmt::format("joins {} and {} by {} links", ends.first, ends.second, count),
                    "give links of at most 100 Tb/s together");
      }
      links_.emplace(ends, static_cast<std::uint32_t>(ports_.size()));
      ports_.push_back({bandwidth * static_cast<std::int64_t>(count), latency});
    }
    const auto number = static_cast<std::uint32_t>(ports_.size());
    for (std::uint32_t link = 0; link < number; ++link) {
      ports_.push_back({ports_[link].rate, Time::zero()});
    }
    tiers_ = {{"inject", number, number}, {"link", 0, number}};
    for (const GraphRoute& route : graph.routes) add_route(route);
    longest_delay_ = latency * longest_path_;
    ++longest_path_;
  }

  bool hosts_forward() const override { return true; }
  int ways(int /*from_server*/, int /*to_server*/) const override { return 1; }
  std::pair<int, int> next_way(int from_host, int to_host) override { return {from_host, to_host}; }

  void find_paths(int from_nic, int to_nic, std::uint32_t /*choice*/, FlowPaths& paths) override {
    const std::vector<std::uint32_t>& there = route(from_nic, to_nic);
    follow(there, route(to_nic, from_nic), static_cast<std::uint32_t>(links_.size()), paths);
  }

 private:
  using Ends = std::pair<std::uint32_t, std::uint32_t>;

  const std::vector<std::uint32_t>& route(int from, int to) const {
    const auto found =
        routes_.find({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
    if (found != routes_.end()) return found->second;
    throw Error(input_, fmt::format("has no route from node {} to node {}", from, to),
                "give one, or another --fabric");
  }

  void add_route(const GraphRoute& route) {
    if (route.paths.empty()) return;
    const auto& hops = std::ranges::max_element(route.paths, {}, &GraphPath::chance)->hops;
    if (hops.size() < 2 || hops.size() > kMostHops || hops.front() != route.from ||
        hops.back() != route.to) {
      throw Error(
          input_,
          fmt::format("has a route of {} hops from {} to {}", hops.size(), route.from, route.to),
          "give the nodes on the way, both ends included, 126 at most");
    }
    std::vector<std::uint32_t> path;
    for (std::size_t i = 0; i + 1 < hops.size(); ++i) {
      const auto link = links_.find({hops[i], hops[i + 1]});
      if (link == links_.end() || std::ranges::find(path, link->second) != path.end()) {
        throw Error(input_,
                    fmt::format("has a route from {} to {} over {} and {}, which are {}",
                                route.from, route.to, hops[i], hops[i + 1],
                                link == links_.end() ? "not connected" : "on it twice"),
                    "give routes along connections");
      }
      path.push_back(link->second);
    }
    longest_path_ = std::max(longest_path_, static_cast<int>(path.size()));
    routes_.try_emplace({route.from, route.to}, std::move(path));
  }

  std::string input_;
  std::map<Ends, std::uint32_t> links_;  ///< the port of each
  std::map<Ends, std::vector<std::uint32_t>> routes_;
};

}  // namespace

std::unique_ptr<FlowTopology> make_graph_topology(const TaskGraph& graph, Bandwidth bandwidth,
                                                  Time latency, std::string input) {
  return std::make_unique<GraphTopology>(graph, bandwidth, latency, std::move(input));
}

}  // namespace mixnet
