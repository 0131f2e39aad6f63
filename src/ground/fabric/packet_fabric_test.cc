#include "fabric/packet_fabric.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

constexpr int kNics = 8;  // of a server

std::vector<std::uint32_t> path_of(const PacketFabric& fabric, int from, int to,
                                   std::uint64_t hash = 0) {
  std::vector<std::uint32_t> path;
  fabric.append_path(from, to, hash, path);
  return path;
}

/// The switches, found from paths alone: where a path goes from link x to link y, the head of x and
/// the tail of y are one node. Were a path ever to jump, nodes would melt together and the counts
/// of nodes and of ports would be wrong.
class Nodes {
 public:
  Nodes(const PacketFabric& fabric, const std::vector<std::uint64_t>& hashes)
      : links_(fabric.link_rates().size()), parent_(2 * links_ + fabric.nics()) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    for (int from = 0; from < fabric.nics(); ++from) {
      // All NICs to one of each switch, and the other way round.
      for (int to = from % kNics; to < fabric.nics(); to += kNics) {
        for (const std::uint64_t hash : hashes) add(fabric, from, to, hash);
      }
      const int next_of_server = from / kNics * kNics + (from + 1) % kNics;
      for (const std::uint64_t hash : hashes) add(fabric, from, next_of_server, hash);
    }
  }

  /// How many nodes have how many links in.
  std::map<std::size_t, int> in_degrees() { return degrees(0); }
  std::map<std::size_t, int> out_degrees() { return degrees(1); }

 private:
  std::size_t head(std::size_t link) { return 2 * link; }
  std::size_t tail(std::size_t link) { return 2 * link + 1; }

  void add(const PacketFabric& fabric, int from, int to, std::uint64_t hash) {
    const auto path = path_of(fabric, from, to, hash);
    ASSERT_EQ(static_cast<int>(path.size()), fabric.hops(from, to));
    ASSERT_EQ(std::set(path.begin(), path.end()).size(), path.size());
    if (path.empty()) return;
    unite(2 * links_ + from, tail(path.front()));
    unite(2 * links_ + to, head(path.back()));
    for (std::size_t i = 1; i < path.size(); ++i) unite(head(path[i - 1]), tail(path[i]));
  }

  std::size_t find(std::size_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];  // halving the way
    return x;
  }
  void unite(std::size_t x, std::size_t y) {
    x = find(x);
    y = find(y);
    parent_[x] = y;
  }
  std::map<std::size_t, int> degrees(std::size_t end) {
    std::map<std::size_t, std::size_t> of_node;
    for (std::size_t link = 0; link < links_; ++link) ++of_node[find(2 * link + end)];
    std::map<std::size_t, int> nodes;
    for (const auto& [node, degree] : of_node) ++nodes[degree];
    return nodes;
  }

  std::size_t links_;
  std::vector<std::size_t> parent_;
};

std::vector<std::uint64_t> first_hashes(std::uint64_t n) {
  std::vector<std::uint64_t> hashes(n);
  std::iota(hashes.begin(), hashes.end(), 0);
  return hashes;
}

TEST(PacketFabric, HashedFatTreeIsAFatTree) {
  // 32 servers: 256 NICs, 32 ToRs, 4 pods of 8 aggregation switches, 64 cores.
  const PacketFabric fabric(FabricKind::kFatTree, 32, kNics, 1, PathPolicy::kEcmp);
  EXPECT_EQ(fabric.nics(), 256);
  EXPECT_EQ(fabric.link_rates(), std::vector<double>(6 * std::size_t{256}, 1.0));
  Nodes nodes(fabric, first_hashes(64));
  // A ToR joins 8 NICs and 8 aggregation switches, these 8 ToRs and 8 cores, a core 4 pods.
  const std::map<std::size_t, int> expected = {{1, 256}, {16, 32 + 32}, {4, 64}};
  EXPECT_EQ(nodes.in_degrees(), expected);
  EXPECT_EQ(nodes.out_degrees(), expected);
}

TEST(PacketFabric, OversubscribedFatTreeIsThinnerAboveTheTor) {
  const PacketFabric fabric(FabricKind::kOversubFatTree, 32, kNics, 3, PathPolicy::kEcmp);
  // 8 / 3 NIC rates over 3 uplinks; 3 aggregation switches a pod, with 8 ToRs and 8 cores each.
  Nodes nodes(fabric, first_hashes(24));
  const std::map<std::size_t, int> expected = {{1, 256}, {8 + 3, 32}, {16, 12}, {4, 24}};
  EXPECT_EQ(nodes.in_degrees(), expected);
  EXPECT_EQ(nodes.out_degrees(), expected);
  const auto& rates = fabric.link_rates();
  EXPECT_EQ(std::ranges::count(rates, 1.0), 2 * 256);
  const double above = std::accumulate(rates.begin(), rates.end(), -2.0 * 256);
  EXPECT_NEAR(above, 4 * 256 / 3.0, 1e-9);  // up and down, two tiers

  // The same ratio at every ToR: a third of its NICs' rates, over the links that hashes reach.
  std::set<std::uint32_t> uplinks;
  for (std::uint64_t hash = 0; hash < 24; ++hash) uplinks.insert(path_of(fabric, 0, 255, hash)[1]);
  double up = 0;
  for (const std::uint32_t link : uplinks) up += rates[link];
  EXPECT_NEAR(up, 8 / 3.0, 1e-12);
}

TEST(PacketFabric, RatioOfOneIsTheFatTree) {
  const PacketFabric thin(FabricKind::kOversubFatTree, 16, kNics, 1, PathPolicy::kEcmp);
  const PacketFabric full(FabricKind::kFatTree, 16, kNics, 3, PathPolicy::kEcmp);
  EXPECT_EQ(thin.link_rates(), full.link_rates());
  EXPECT_EQ(path_of(thin, 3, 99, 17), path_of(full, 3, 99, 17));
}

TEST(PacketFabric, RailsMeetInSpines) {
  // 96 servers: 3 leaves for each of 8 rails, 32 NICs and 32 spines each.
  const PacketFabric fabric(FabricKind::kRailOptimized, 96, kNics, 1, PathPolicy::kEcmp);
  Nodes nodes(fabric, first_hashes(32));
  const std::map<std::size_t, int> expected = {{1, 96 * 8}, {64, 24}, {24, 32}};
  EXPECT_EQ(nodes.in_degrees(), expected);
  EXPECT_EQ(nodes.out_degrees(), expected);

  EXPECT_EQ(fabric.hops(0 * 8 + 5, 31 * 8 + 5), 2);  // one leaf
  EXPECT_EQ(fabric.hops(0 * 8 + 5, 32 * 8 + 5), 4);  // the rail's next leaf
  EXPECT_EQ(fabric.hops(0 * 8 + 5, 0 * 8 + 6), 4);   // another rail
}

TEST(PacketFabric, HopsGoUpOnlyAsFarAsNeeded) {
  const PacketFabric fabric(FabricKind::kFatTree, 32, kNics, 1, PathPolicy::kSpray);
  EXPECT_EQ(fabric.hops(9, 9), 0);
  EXPECT_EQ(fabric.hops(8, 15), 2);   // one ToR
  EXPECT_EQ(fabric.hops(8, 16), 4);   // one pod of 64 NICs
  EXPECT_EQ(fabric.hops(63, 64), 6);  // the next
  EXPECT_EQ(fabric.hops(64, 63), 6);
  // Two electrical NICs a server, as on MixNet: four servers share a ToR, 32 a pod.
  const PacketFabric eps(FabricKind::kMixNet, 64, 2, 1, PathPolicy::kSpray);
  EXPECT_EQ(eps.hops(0, 7), 2);
  EXPECT_EQ(eps.hops(0, 8), 4);
  EXPECT_EQ(eps.hops(0, 64), 6);
}

TEST(PacketFabric, HashesSpreadOverAllShortestPaths) {
  const PacketFabric fabric(FabricKind::kFatTree, 32, kNics, 1, PathPolicy::kEcmp);
  constexpr int kDraws = 64'000;
  std::map<std::vector<std::uint32_t>, int> drawn;
  for (std::uint64_t i = 0; i < kDraws; ++i) ++drawn[path_of(fabric, 3, 250, derive_seed(1, i))];
  EXPECT_EQ(drawn.size(), 64u);  // 8 aggregation switches x 8 cores
  for (const auto& [path, times] : drawn) {
    EXPECT_NEAR(times, kDraws / 64.0, 5 * 32);  // five standard deviations
    EXPECT_EQ(path.front(), path_of(fabric, 3, 0)[0]);
    EXPECT_EQ(path.back(), path_of(fabric, 0, 250).back());
  }
}

TEST(PacketFabric, SprayedPathsKeepOnlyPoolsThatCanBind) {
  for (const FabricKind kind :
       {FabricKind::kFatTree, FabricKind::kRailOptimized, FabricKind::kMixNet}) {
    const PacketFabric fabric(kind, 128, kNics, 3, PathPolicy::kSpray);
    EXPECT_EQ(fabric.link_rates(), std::vector<double>(2 * std::size_t{1024}, 1.0));
    EXPECT_EQ(path_of(fabric, 0, 1000).size(), 2u);
    EXPECT_EQ(path_of(fabric, 0, 1000, 1), path_of(fabric, 0, 1000, 2));
  }
  const PacketFabric thin(FabricKind::kOversubFatTree, 128, kNics, 3, PathPolicy::kSpray);
  EXPECT_EQ(path_of(thin, 0, 7).size(), 2u);
  const auto path = path_of(thin, 0, 1000);
  ASSERT_EQ(path.size(), 4u);
  EXPECT_DOUBLE_EQ(thin.link_rates()[path[1]], 8 / 3.0);
  EXPECT_DOUBLE_EQ(thin.link_rates()[path[2]], 8 / 3.0);
  EXPECT_EQ(path[1], path_of(thin, 7, 500)[1]);  // one pool for all NICs of the ToR
  EXPECT_EQ(path[2], path_of(thin, 500, 1001)[2]);
  EXPECT_NE(path[1], path_of(thin, 8, 500)[1]);
}

TEST(PacketFabric, TiersNameEveryLinkOnce) {
  const auto names_of = [](const PacketFabric& fabric) {
    std::vector<std::string_view> names;
    std::vector<int> named(fabric.link_rates().size());
    for (const LinkTier& tier : fabric.tiers()) {
      names.push_back(tier.name);
      for (std::uint32_t i = 0; i < tier.count; ++i) ++named[tier.first + i];
    }
    EXPECT_EQ(named, std::vector<int>(named.size(), 1));
    return names;
  };
  using Names = std::vector<std::string_view>;
  const PacketFabric tree(FabricKind::kOversubFatTree, 16, kNics, 3, PathPolicy::kEcmp);
  EXPECT_EQ(names_of(tree),
            (Names{"nic-up", "tor-up", "core-up", "core-down", "tor-down", "nic-down"}));
  const PacketFabric rails(FabricKind::kRailOptimized, 96, kNics, 1, PathPolicy::kEcmp);
  EXPECT_EQ(names_of(rails), (Names{"nic-up", "leaf-up", "leaf-down", "nic-down"}));
  const PacketFabric pools(FabricKind::kOversubFatTree, 16, kNics, 3, PathPolicy::kSpray);
  EXPECT_EQ(names_of(pools), (Names{"nic-up", "tor-up", "tor-down", "nic-down"}));
  const PacketFabric no_pools(FabricKind::kFatTree, 16, kNics, 1, PathPolicy::kSpray);
  EXPECT_EQ(names_of(no_pools), (Names{"nic-up", "nic-down"}));

  // A path between pods goes through them in this order.
  const auto path = path_of(tree, 0, 127);
  const auto tiers = tree.tiers();
  ASSERT_EQ(path.size(), tiers.size());
  for (std::size_t hop = 0; hop < path.size(); ++hop) {
    EXPECT_GE(path[hop], tiers[hop].first);
    EXPECT_LT(path[hop], tiers[hop].first + tiers[hop].count);
  }
}

TEST(PacketFabric, NothingLiesBetweenANicAndItself) {
  for (const PathPolicy paths : {PathPolicy::kSpray, PathPolicy::kEcmp}) {
    const PacketFabric fabric(FabricKind::kOversubFatTree, 4, kNics, 3, paths);
    EXPECT_TRUE(path_of(fabric, 5, 5, 99).empty());
  }
}

TEST(PacketFabric, AppendsToThePathGiven) {
  const PacketFabric fabric(FabricKind::kFatTree, 4, kNics, 1, PathPolicy::kSpray);
  std::vector<std::uint32_t> path = path_of(fabric, 0, 1);
  fabric.append_path(2, 3, 0, path);
  EXPECT_EQ(path.size(), 4u);
}

TEST(PacketFabric, IsUniformWherePlacesDoNotMatter) {
  EXPECT_TRUE(PacketFabric(FabricKind::kFatTree, 8, 3, 1, PathPolicy::kSpray).uniform());
  EXPECT_FALSE(PacketFabric(FabricKind::kFatTree, 8, 8, 1, PathPolicy::kEcmp).uniform());
  // Thin links: a server is a ToR, or else some servers share one and others do not.
  EXPECT_TRUE(PacketFabric(FabricKind::kOversubFatTree, 8, 8, 3, PathPolicy::kSpray).uniform());
  EXPECT_FALSE(PacketFabric(FabricKind::kOversubFatTree, 8, 4, 3, PathPolicy::kSpray).uniform());
}

TEST(PacketFabric, HashedPathsGoAroundDeadLinks) {
  for (const FabricKind kind :
       {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized}) {
    const bool rails = kind == FabricKind::kRailOptimized;
    const std::vector<DeadLink> dead = rails
                                           ? std::vector<DeadLink>{{"leaf-up", 3}, {"leaf-up", 40}}
                                           : std::vector<DeadLink>{{"tor-up", 1}, {"core-up", 5}};
    const PacketFabric fabric(kind, 64, kNics, 3, PathPolicy::kEcmp, dead);
    EXPECT_EQ(fabric.dead_links(), 2);
    EXPECT_FALSE(fabric.uniform());
    std::set<std::uint32_t> broken;  // up, and the link down beside it
    for (const LinkTier& tier : fabric.tiers()) {
      for (const DeadLink& link : dead) {
        const std::string stem = link.tier.substr(0, link.tier.find('-'));
        if (tier.name == link.tier || tier.name == stem + "-down") {
          broken.insert(tier.first + static_cast<std::uint32_t>(link.index));
        }
      }
    }
    EXPECT_EQ(broken.size(), 4U);
    for (int from = 0; from < fabric.nics(); from += 7) {
      for (int to = 0; to < fabric.nics(); to += 11) {
        for (std::uint64_t hash = 0; hash < 40; ++hash) {
          for (const std::uint32_t link : path_of(fabric, from, to, hash)) {
            ASSERT_FALSE(broken.contains(link)) << from << " " << to << " " << hash;
          }
        }
      }
    }
  }
}

TEST(PacketFabric, PoolsAreThinnerByDeadLinks) {
  const std::vector<DeadLink> dead = {{"tor-up", 0}, {"tor-up", 7}, {"core-up", 64}};
  const PacketFabric fabric(FabricKind::kFatTree, 64, kNics, 3, PathPolicy::kSpray, dead);
  const auto rate = [&](std::string_view name, int index) {
    for (const LinkTier& tier : fabric.tiers()) {
      if (tier.name == name) return fabric.link_rates()[tier.first + index];
    }
    return 0.0;
  };
  EXPECT_EQ(rate("tor-up", 0), 6);
  EXPECT_EQ(rate("tor-down", 0), 6);
  EXPECT_EQ(rate("tor-up", 1), 8);
  EXPECT_EQ(rate("core-up", 0), 64);
  EXPECT_EQ(rate("core-down", 1), 63);
}

TEST(PacketFabric, PoolsThatAreWholeAreOnNoPath) {
  // 512 NICs are 8 pods of 64; link 3 is above the first ToR, link 64 in the second pod.
  const DeadLink tor[] = {{"tor-up", 3}};
  const PacketFabric one(FabricKind::kFatTree, 64, kNics, 1, PathPolicy::kSpray, tor);
  EXPECT_EQ(path_of(one, 0, 500).size(), 3U);  // both NICs, and the pool above the ToR
  EXPECT_EQ(path_of(one, 500, 7).size(), 3U);
  EXPECT_EQ(path_of(one, 8, 500).size(), 2U);
  const DeadLink core[] = {{"core-up", 64}};
  const PacketFabric two(FabricKind::kFatTree, 64, kNics, 1, PathPolicy::kSpray, core);
  EXPECT_EQ(path_of(two, 64, 500).size(), 3U);
  EXPECT_EQ(path_of(two, 64, 127).size(), 2U);
  EXPECT_EQ(path_of(two, 0, 500).size(), 2U);
  for (int nic = 0; nic < 512; ++nic) {
    EXPECT_EQ(one.is_uniform_at(nic), nic >= 8);
    EXPECT_EQ(two.is_uniform_at(nic), nic < 64 || nic >= 128);
  }
}

TEST(PacketFabric, ADeadLinkThatItDoesNotHaveIsNone) {
  const std::vector<DeadLink> dead = {{"leaf-up", 0}, {"tor-up", 100'000}, {"tor-up", -1}};
  EXPECT_EQ(PacketFabric(FabricKind::kFatTree, 8, kNics, 1, PathPolicy::kEcmp, dead).dead_links(),
            0);
}

TEST(PacketFabric, WhenEveryPathIsDeadItSaysSo) {
  std::vector<DeadLink> dead;
  for (int up = 0; up < 8; ++up) dead.push_back({"tor-up", up});
  for (const PathPolicy paths : {PathPolicy::kEcmp, PathPolicy::kSpray}) {
    const PacketFabric fabric(FabricKind::kFatTree, 8, kNics, 1, paths, dead);
    std::vector<std::uint32_t> path;
    fabric.append_path(0, 1, 0, path);  // under one ToR
    EXPECT_THROW(fabric.append_path(0, 8, 0, path), Error);
    EXPECT_THROW(fabric.append_path(8, 0, 0, path), Error);
  }
}

}  // namespace
}  // namespace mixnet
