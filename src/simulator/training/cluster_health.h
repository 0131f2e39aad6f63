// What is left of a cluster after failures, and what stands in for the rest.
//
// Servers are numbered as in the plan; spares, of which there are as many as are needed, come
// behind them. What a failure does:
//   NIC          its traffic is dealt to the server's other NICs; on mixnet, to those of its kind
//   OCS          the region has no circuits
//   server       a spare takes its place in everything
//   GPU          its EP rank (its TP group, which cannot be split) moves to a spare of the region's
//                own. Where tp fills a server, or a server holds whole EP groups, the server moves.
//
// Backup says where spares are. kPool: beside all regions, on the packet network with all their
// NICs and on no optical switch, so one can stand in anywhere. kRegion: on the optical switch of
// the region that needs them, with NICs of both kinds as all servers.
//
// Immutable; thread-safe.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"
#include "fabric/packet_fabric.h"
#include "moe/plan.h"
#include "training/failure.h"

namespace mixnet {

enum class Backup { kPool, kRegion };

template <>
struct Names<Backup> {
  static constexpr std::string_view kWhat = "place of spares";
  static constexpr NamedValue<Backup> kTable[] = {{"pool", Backup::kPool},
                                                  {"region", Backup::kRegion}};
};

class ClusterHealth {
 public:
  /// All is well.
  ClusterHealth() = default;
  /// Throws Error, naming --fail, when the plan has no such part, or more ranks of a region fail
  /// than one spare has GPUs for.
  ClusterHealth(std::span<const Failure> failures, const ParallelPlan& plan, int nics_per_server,
                Backup backup);

  Backup backup() const { return backup_; }
  bool nic_works(int server, int nic) const { return !dead_nics_.contains({server, nic}); }
  bool ocs_works(int first_server) const { return !dark_.contains(first_server); }
  const std::set<std::pair<int, int>>& dead_nics() const { return dead_nics_; }
  const std::set<int>& dark_regions() const { return dark_; }  ///< by first server
  std::span<const DeadLink> dead_links() const { return links_; }

  int spares() const { return spares_; }
  /// Spares that stand in for servers: by server.
  const std::map<int, int>& replaced() const { return replaced_; }
  struct Moved {
    std::vector<int> ranks;  ///< EP ranks of the region, sorted
    int spare = 0;           ///< that they run on
  };
  /// By first server of the region.
  const std::map<int, Moved>& moved() const { return moved_; }

 private:
  Backup backup_ = Backup::kPool;
  std::set<std::pair<int, int>> dead_nics_;
  std::set<int> dark_;
  std::vector<DeadLink> links_;
  int spares_ = 0;
  std::map<int, int> replaced_;
  std::map<int, Moved> moved_;
};

}  // namespace mixnet
