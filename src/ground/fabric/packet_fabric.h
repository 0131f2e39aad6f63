// Packet-switched fabrics as graphs of directed links: three-tier fat-trees, 1:1 or oversubscribed,
// and rail-optimised Clos networks. Everything is at NIC level: a host of the graph is one NIC.
//
// Rates are in units of one NIC's rate, so one graph serves every bandwidth; a caller multiplies.
//
// Fat-tree (Al-Fares et al., SIGCOMM 2008): NICs are numbered server * nics_per_server + nic and
// share a top-of-rack switch in blocks of kNicsPerTor, a pod holds kTorsPerPod such switches; each
// has one link to every aggregation switch of its pod, and each of those one to every core of its
// group. With kNicsPerTor = 8, 1024 NICs make a 16-ary fat-tree. Beyond 16 pods the cores are wider
// instead of a tier more. Oversubscription by r thins the links above the ToR to 1/r of the NICs'
// rates; all above is 1:1 with that. (A last ToR with fewer NICs has all its links all the same.)
//
// Rail-optimised: NIC r of every server is on rail r's leaf switches, kServersPerLeaf servers a
// leaf; leaves join spines with as many uplinks as downlinks, so any rail reaches any other.
//
// Paths:
//   kEcmp   every link is an edge of the graph; the hash picks one of the shortest paths.
//   kSpray  a flow spreads evenly over all shortest paths (per-packet spraying, adaptive routing).
//           For a fluid that is one pooled link per tier, and a pool that can never bind (1:1: what
//           leaves a ToR never exceeds what its NICs can send) is left out of paths.
//
// Links between switches may have failed, always in both directions. Hashed flows then take the
// next path that works, and pools are thinner by what failed.
//
// Immutable after construction, so thread-safe. Memory: O(NICs). append_path is O(1).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "fabric/fabric_kind.h"

namespace mixnet {

enum class PathPolicy { kSpray, kEcmp };

template <>
struct Names<PathPolicy> {
  static constexpr std::string_view kWhat = "path policy";
  static constexpr NamedValue<PathPolicy> kTable[] = {{"spray", PathPolicy::kSpray},
                                                      {"ecmp", PathPolicy::kEcmp}};
};

/// Links of one kind, in a row.
struct LinkTier {
  std::string_view name;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// A link that does not work: `tier` is "tor-up", "core-up" or "leaf-up", which stands for the
/// link down beside it, too; `index` counts the links of that tier with PathPolicy::kEcmp.
struct DeadLink {
  std::string tier;
  std::int64_t index = 0;
};

class PacketFabric {
 public:
  static constexpr int kNicsPerTor = 8;
  static constexpr int kTorsPerPod = 8;
  static constexpr int kServersPerLeaf = 32;

  /// `kind`: kFatTree, kOversubFatTree or kRailOptimized (or kMixNet, kNvl72 or kMixNetOpticalIo,
  /// whose electrical part is a fat-tree). `oversubscription` >= 1 counts for kOversubFatTree only.
  /// Of `dead`, what this fabric does not have is passed over: see dead_links().
  PacketFabric(FabricKind kind, int servers, int nics_per_server, double oversubscription,
               PathPolicy paths, std::span<const DeadLink> dead = {});

  int nics() const { return servers_ * nics_per_server_; }
  int nics_per_server() const { return nics_per_server_; }
  PathPolicy path_policy() const { return paths_; }

  /// Rate of each directed link, in NIC rates.
  const std::vector<double>& link_rates() const { return link_rates_; }

  /// All links by kind, on the way up, then down: "nic-up", "tor-up" (ToR to aggregation),
  /// "core-up" (aggregation to core), "core-down", "tor-down", "nic-down"; rails have "leaf-up" and
  /// "leaf-down". With kSpray, pools; those left out are not named.
  std::vector<LinkTier> tiers() const;

  /// How many of the `dead` links this fabric has.
  int dead_links() const { return dead_links_; }
  /// Whether path `choice`, below path_choices(), has no dead link (kSpray: no empty pool).
  bool works(int from, int to, std::uint64_t choice) const;

  /// Appends the links from NIC to NIC, in order; nothing when they are the same NIC. Throws Error
  /// when links failed on every path.
  void append_path(int from, int to, std::uint64_t hash, std::vector<std::uint32_t>& path) const;

  /// How many shortest paths join two NICs; hash h of append_path() takes path h modulo that. 1 for
  /// kSpray. `first_hops` of consecutive hashes have different first links above the ToR or leaf.
  int path_choices(int from, int to) const;
  int first_hops() const { return uplinks_; }

  /// Links of the physical path between two NICs: what propagation delay multiplies.
  int hops(int from, int to) const;

  /// Whether equal exchanges take equal time wherever they are, but for propagation (hops()).
  /// Hashed paths collide here and not there; under thin links it matters which servers share a
  /// ToR, unless none do.
  bool uniform() const { return is_uniform_but_for_dead_links() && dead_links_ == 0; }
  /// The same of exchanges among NICs of which all are like this one: no link above its ToR (or
  /// leaf) or of its pod has failed.
  bool is_uniform_at(int nic) const;
  /// Whether sprayed paths have no links but the NICs' own, where none has failed.
  bool is_one_to_one() const { return oversubscription_ == 1; }

 private:
  struct Place {
    int group;  ///< ToR or leaf
    int pod;    ///< pod of the ToR; 0 in a rail-optimised network
  };
  Place place(int nic) const;
  std::uint32_t add_links(std::int64_t count, double rate);
  void build_tree(std::span<const DeadLink> dead);
  void build_rails(std::span<const DeadLink> dead);
  std::vector<std::uint32_t> dead_of(std::string_view tier, std::int64_t links,
                                     std::span<const DeadLink> dead);
  void build_links(std::int64_t groups, std::int64_t pods, double rate);
  bool is_uniform_but_for_dead_links() const {
    return paths_ == PathPolicy::kSpray &&
           (oversubscription_ == 1 || nics_per_server_ % kNicsPerTor == 0);
  }
  /// Whether links above a ToR or leaf, or of a pod, have failed.
  bool is_thin_group(int group) const;
  bool is_thin_pod(int pod) const;
  struct Hops {
    std::uint32_t up = 0, core = 0;
  };
  Hops hops_of(std::uint64_t choice) const;

  FabricKind kind_;
  int servers_;
  int nics_per_server_;
  double oversubscription_;
  PathPolicy paths_;
  std::vector<double> link_rates_;
  // First link of each family.
  std::uint32_t nic_up_ = 0, nic_down_ = 0, group_up_ = 0, group_down_ = 0, core_up_ = 0,
                core_down_ = 0;
  int uplinks_ = 1;  ///< of one ToR or leaf
  // Failed links: by number within their tier, sorted.
  int dead_links_ = 0;
  std::vector<std::uint32_t> dead_group_, dead_core_;
  bool group_pools_ = false, core_pools_ = false;  ///< of kSpray: those that may bind
};

}  // namespace mixnet
