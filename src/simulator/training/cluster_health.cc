#include "training/cluster_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

void check_below(const Failure& failure, std::int64_t index, std::int64_t count,
                 std::string_view what) {
  if (index < count) return;
  throw Error("--fail", fmt::format("'{}': there is no {} {}", failure.text, what, index),
              fmt::format("give one from 0 to {}", count - 1));
}

}  // namespace

ClusterHealth::ClusterHealth(std::span<const Failure> failures, const ParallelPlan& plan,
                             int nics_per_server, Backup backup)
    : backup_(backup) {
  const int regions = plan.pp * plan.replicas();
  std::set<int> servers;  // to be replaced
  for (const Failure& failure : failures) {
    switch (failure.part) {
      case FailedPart::kNic:
        check_below(failure, failure.index, plan.servers(), "server");
        check_below(failure, failure.nic, nics_per_server, "NIC");
        dead_nics_.emplace(failure.index, failure.nic);
        break;
      case FailedPart::kLink:
        links_.push_back({failure.tier, failure.index});
        break;
      case FailedPart::kOcs:
        check_below(failure, failure.index, regions, "region");
        dark_.insert(
            plan.first_server(failure.index / plan.replicas(), failure.index % plan.replicas()));
        break;
      case FailedPart::kServer:
        check_below(failure, failure.index, plan.servers(), "server");
        servers.insert(failure.index);
        break;
      case FailedPart::kGpu:
        check_below(failure, failure.index, plan.world(), "rank");
        if (plan.expert_tp() >= plan.gpus_per_server || plan.region_servers() == 1) {
          servers.insert(failure.index / plan.gpus_per_server);
        }
        break;
    }
  }
  for (const int server : servers) {
    replaced_[server] = plan.servers() + spares_++;
    std::erase_if(dead_nics_, [server](const auto& nic) { return nic.first == server; });
  }
  for (const Failure& failure : failures) {
    if (failure.part != FailedPart::kGpu) continue;
    const int server = failure.index / plan.gpus_per_server;
    if (servers.contains(server)) continue;
    const int region = server / plan.region_servers();
    Moved& moved = moved_[region * plan.region_servers()];
    const int rank = failure.index / plan.expert_tp() % plan.ep;
    if (!std::ranges::binary_search(moved.ranks, rank)) {
      moved.ranks.insert(std::ranges::upper_bound(moved.ranks, rank), rank);
    }
    if (static_cast<int>(moved.ranks.size()) * plan.expert_tp() > plan.gpus_per_server) {
      throw Error("--fail",
                  fmt::format("'{}': more ranks of its region fail than a spare has GPUs for",
                              failure.text),
                  "fail the server instead");
    }
  }
  for (auto& [first_server, moved] : moved_) moved.spare = plan.servers() + spares_++;
}

}  // namespace mixnet
