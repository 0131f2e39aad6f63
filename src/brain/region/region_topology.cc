#include "region/region_topology.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mixnet {
namespace {

/// By server of the region, then by NIC of the lower server.
std::vector<Circuit> lit_circuits(const RegionState& state, const Slice& slice) {
  const int nics = state.config.optical_nics;
  const std::vector<int> moving = slice.moving_ports();
  const auto works = [&](int port) {
    return state.usable(port) && !std::ranges::binary_search(moving, port);
  };
  std::vector<Circuit> circuits;
  std::vector<int> order = slice.servers;
  std::ranges::sort(order);
  for (const int server : order) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      const int q = state.lit[p];
      if (q <= p || state.owner_of(q) != slice.tenant || state.lit[q] != p) continue;
      const int other = state.config.server_of(q);
      if (other == server || !works(p) || !works(q)) continue;
      circuits.push_back({server, p % nics, other, q % nics});
    }
  }
  return circuits;
}

/// The links between a slice's servers, by their numbers in it.
struct Links {
  std::vector<std::vector<int>> peers;  ///< by circuit
  std::vector<bool> live, eps;
  std::vector<int> with_eps;  ///< which are one hop from each other
};

Links links_of(const RegionState& state, const Slice& slice, const std::vector<Circuit>& circuits) {
  const std::size_t n = slice.servers.size();
  Links links{std::vector<std::vector<int>>(n), std::vector<bool>(n), std::vector<bool>(n), {}};
  std::vector<int> number(static_cast<std::size_t>(state.config.servers), -1);
  for (std::size_t s = 0; s < n; ++s) {
    const int server = slice.servers[s];
    number[server] = static_cast<int>(s);
    links.live[s] = state.live(server);
    links.eps[s] = links.live[s] && state.has_eps(server);
    if (links.eps[s]) links.with_eps.push_back(static_cast<int>(s));
  }
  for (const Circuit& c : circuits) {
    links.peers[number[c.server_a]].push_back(number[c.server_b]);
    links.peers[number[c.server_b]].push_back(number[c.server_a]);
  }
  return links;
}

/// Breadth first: the server before each on its path from `from`; -1: there is none.
std::vector<int> paths_from(int from, const Links& links) {
  std::vector<int> parent(links.live.size(), -1);
  std::vector<int> queue{from};
  parent[from] = from;
  bool eps_seen = false;
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const int s = queue[at];
    const auto reach = [&](int t) {
      if (parent[t] >= 0) return;
      parent[t] = s;
      queue.push_back(t);
    };
    for (const int t : links.peers[s]) reach(t);
    if (links.eps[s] && !std::exchange(eps_seen, true)) {
      for (const int t : links.with_eps) reach(t);
    }
  }
  return parent;
}

/// Relays and cuts of the pairs that have neither a circuit nor EPS at both ends.
void add_relays(const Slice& slice, const Links& links, TopologyAnnouncement& said) {
  const int n = static_cast<int>(slice.servers.size());
  for (int from = 0; from < n; ++from) {
    if (!links.live[from] || links.eps[from]) continue;
    const std::vector<int> parent = paths_from(from, links);
    for (int to = 0; to < n; ++to) {
      if (to == from || !links.live[to] || (!links.eps[to] && to < from)) continue;
      const int a = slice.servers[from];
      const int b = slice.servers[to];
      if (parent[to] < 0) {
        said.cut.push_back({std::min(a, b), std::max(a, b)});
      } else if (parent[to] != from) {
        Relay relay{a, b, {}};
        for (int s = parent[to]; s != from; s = parent[s]) relay.via.push_back(slice.servers[s]);
        std::ranges::reverse(relay.via);
        said.relays.push_back(std::move(relay));
      }
    }
  }
}

}  // namespace

TopologyAnnouncement topology_of(const RegionState& state, const Slice& slice) {
  TopologyAnnouncement said;
  said.tenant = slice.tenant;
  said.epoch = slice.announced.epoch;
  said.served = slice.served;
  said.closed = slice.leaving;
  if (slice.tenant == 0 || slice.leaving) return said;
  said.circuits = lit_circuits(state, slice);
  add_relays(slice, links_of(state, slice, said.circuits), said);
  return said;
}

}  // namespace mixnet
