#include "region/region_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

/// A region of which tenant 1 has `servers`, in that order.
RegionState state_of(const RegionConfig& config, const std::vector<int>& servers) {
  RegionState state = RegionState::fresh(config);
  Slice slice;
  slice.tenant = 1;
  slice.servers = servers;
  for (const int server : servers) {
    state.owner[server] = 1;
    std::erase(state.slices.front().servers, server);
  }
  state.slices.push_back(slice);
  return state;
}

RegionConfig config_of(int servers, int optical, int eps) {
  RegionConfig config;
  config.servers = servers;
  config.optical_nics = optical;
  config.eps_nics = eps;
  return config;
}

void set_demand(Slice& slice, ServerDemand demand) {
  slice.phase.sequence = 1;
  slice.demand = std::move(demand);
}

/// Circuits of each two servers, by number in the region.
std::map<std::pair<int, int>, int> counts_of(const RegionConfig& config,
                                             const std::vector<PortPair>& target) {
  std::map<std::pair<int, int>, int> counts;
  for (const PortPair& one : target) {
    const auto [a, b] = std::minmax({config.server_of(one.a), config.server_of(one.b)});
    ++counts[{a, b}];
  }
  return counts;
}

/// Neighbours of a ring of many servers, in an order of their own: each pair gets its circuit.
TEST(RegionPlan, ARingOfManyServers) {
  for (const int n : {11, 16, 64, 250}) {
    const RegionConfig config = config_of(n + 5, 2, 1);
    std::vector<int> servers(n);
    for (int i = 0; i < n; ++i) servers[i] = (i * 7 + 3) % n + 5;
    std::ranges::sort(servers);
    servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
    ASSERT_EQ(servers.size(), static_cast<std::size_t>(n));
    std::ranges::rotate(servers, servers.begin() + n / 3);
    RegionState state = state_of(config, servers);
    ServerDemand demand(n, n);
    for (int i = 0; i < n; ++i) demand(i, (i + 1) % n) = 1'000'000;
    set_demand(state.slices.back(), demand);
    const auto target = RegionPlanner().plan(state, state.slices.back());
    const auto counts = counts_of(config, target);
    EXPECT_EQ(counts.size(), static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      const auto [a, b] = std::minmax({servers[i], servers[(i + 1) % n]});
      EXPECT_TRUE(counts.contains({a, b})) << n << ": " << a << " and " << b;
    }
  }
}

/// Failed NICs, EPS and servers: what is planned can be set, and joins whom it can.
TEST(RegionPlan, ManyServersWithFailures) {
  Random random(5);
  for (int round = 0; round < 40; ++round) {
    const int n = 11 + static_cast<int>(random.below(40));
    const int optical = 2 + static_cast<int>(random.below(5));
    const RegionConfig config = config_of(n, optical, 1);
    std::vector<int> servers(n);
    std::iota(servers.begin(), servers.end(), 0);
    RegionState state = state_of(config, servers);
    for (Health& port : state.optical_health) port.failed = random.below(8) == 0;
    for (Health& port : state.port_health) port.failed = random.below(16) == 0;
    for (Health& server : state.server_health) server.failed = random.below(12) == 0;
    ServerDemand demand(n, n);
    for (int a = 0; a < n; ++a) {
      for (int b = 0; b < n; ++b) {
        if (a != b) demand(a, b) = static_cast<std::int64_t>(random.below(1'000'000));
      }
    }
    set_demand(state.slices.back(), demand);
    const auto target = RegionPlanner().plan(state, state.slices.back());
    EXPECT_TRUE(std::ranges::is_sorted(target));
    std::set<int> ports;
    for (const PortPair& one : target) {
      for (const int port : {one.a, one.b}) {
        EXPECT_TRUE(ports.insert(port).second) << "port " << port << " twice";
        EXPECT_TRUE(state.usable(port)) << port;
      }
      EXPECT_LT(one.a, one.b);
      EXPECT_NE(config.server_of(one.a), config.server_of(one.b));
    }
    // All want all: no two servers that have a NIC left over want each other in vain.
    std::vector<int> left;
    for (int server = 0; server < n; ++server) {
      int free = 0;
      for (int nic = 0; nic < optical; ++nic) {
        const int port = server * optical + nic;
        free += state.usable(port) && !ports.contains(port) ? 1 : 0;
      }
      if (free > 0) left.push_back(server);
    }
    EXPECT_LE(left.size(), 1U) << n << " servers of " << optical;
  }
}

/// Without EPS circuits are all there is: they join every live server of many.
TEST(RegionPlan, ManyServersWithoutEpsAreJoined) {
  for (const int n : {11, 30, 64}) {
    const RegionConfig config = config_of(n, 3, 1);
    std::vector<int> servers(n);
    std::iota(servers.begin(), servers.end(), 0);
    RegionState state = state_of(config, servers);
    for (Health& eps : state.eps_health) eps.failed = true;
    // Pairs only: the demand alone would join nobody else.
    ServerDemand demand(n, n);
    for (int i = 0; i + 1 < n; i += 2) demand(i, i + 1) = demand(i + 1, i) = 1'000'000;
    set_demand(state.slices.back(), demand);
    std::vector<int> group(n);
    std::iota(group.begin(), group.end(), 0);
    const auto root = [&](int at) {
      while (group[at] != at) at = group[at];
      return at;
    };
    for (const PortPair& one : RegionPlanner().plan(state, state.slices.back())) {
      group[root(config.server_of(one.a))] = root(config.server_of(one.b));
    }
    for (int server = 0; server < n; ++server) EXPECT_EQ(root(server), root(0)) << server;
  }
}

}  // namespace
}  // namespace mixnet
