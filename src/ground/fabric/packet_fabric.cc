#include "fabric/packet_fabric.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

/// Whether one of `count` numbers from `first` on is in the sorted `numbers`.
bool has_any(const std::vector<std::uint32_t>& numbers, std::int64_t first, std::int64_t count) {
  const auto at = std::ranges::lower_bound(numbers, static_cast<std::uint32_t>(first));
  return at != numbers.end() && *at < first + count;
}

}  // namespace

PacketFabric::PacketFabric(FabricKind kind, int servers, int nics_per_server,
                           double oversubscription, PathPolicy paths,
                           std::span<const DeadLink> dead)
    : kind_(kind),
      servers_(servers),
      nics_per_server_(nics_per_server),
      oversubscription_(kind == FabricKind::kOversubFatTree ? oversubscription : 1),
      paths_(paths) {
  nic_up_ = add_links(nics(), 1);
  nic_down_ = add_links(nics(), 1);
  kind_ == FabricKind::kRailOptimized ? build_rails(dead) : build_tree(dead);
}

std::uint32_t PacketFabric::add_links(std::int64_t count, double rate) {
  const auto first = static_cast<std::uint32_t>(link_rates_.size());
  link_rates_.insert(link_rates_.end(), static_cast<std::size_t>(count), rate);
  return first;
}

std::vector<std::uint32_t> PacketFabric::dead_of(std::string_view tier, std::int64_t links,
                                                 std::span<const DeadLink> dead) {
  std::vector<std::uint32_t> numbers;
  for (const DeadLink& link : dead) {
    if (link.tier == tier && link.index >= 0 && link.index < links) {
      numbers.push_back(static_cast<std::uint32_t>(link.index));
    }
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  dead_links_ += static_cast<int>(numbers.size());
  return numbers;
}

void PacketFabric::build_tree(std::span<const DeadLink> dead) {
  const int tors = (nics() + kNicsPerTor - 1) / kNicsPerTor;
  const int pods = (tors + kTorsPerPod - 1) / kTorsPerPod;
  const double tor_rate = kNicsPerTor / oversubscription_;
  uplinks_ = std::max(1, static_cast<int>(std::ceil(tor_rate - 1e-9)));
  dead_group_ = dead_of("tor-up", std::int64_t{tors} * uplinks_, dead);
  dead_core_ = dead_of("core-up", std::int64_t{pods} * uplinks_ * kTorsPerPod, dead);
  build_links(tors, pods, tor_rate / uplinks_);
}

void PacketFabric::build_rails(std::span<const DeadLink> dead) {
  const std::int64_t leaves =
      std::int64_t{(servers_ + kServersPerLeaf - 1) / kServersPerLeaf} * nics_per_server_;
  uplinks_ = kServersPerLeaf;
  dead_group_ = dead_of("leaf-up", leaves * uplinks_, dead);
  build_links(leaves, 0, 1);
}

/// The links above the ToRs or leaves, each of `rate`, or pools of them.
void PacketFabric::build_links(std::int64_t groups, std::int64_t pods, double rate) {
  const std::int64_t core_links = std::int64_t{uplinks_} * kTorsPerPod;  // of a pod
  if (paths_ == PathPolicy::kEcmp) {
    group_up_ = add_links(groups * uplinks_, rate);
    group_down_ = add_links(groups * uplinks_, rate);
    core_up_ = add_links(pods * core_links, rate);
    core_down_ = add_links(pods * core_links, rate);
    return;
  }
  group_pools_ = oversubscription_ > 1 || !dead_group_.empty();
  core_pools_ = !dead_core_.empty();
  const auto thin = [&](std::uint32_t first, const std::vector<std::uint32_t>& links,
                        std::int64_t in_pool) {
    for (const std::uint32_t link : links) {
      link_rates_[first + static_cast<std::uint32_t>(link / in_pool)] -= rate;
    }
  };
  if (group_pools_) {
    group_up_ = add_links(groups, uplinks_ * rate);
    group_down_ = add_links(groups, uplinks_ * rate);
    for (const std::uint32_t first : {group_up_, group_down_}) thin(first, dead_group_, uplinks_);
  }
  if (core_pools_) {
    core_up_ = add_links(pods, static_cast<double>(core_links) * rate);
    core_down_ = add_links(pods, static_cast<double>(core_links) * rate);
    for (const std::uint32_t first : {core_up_, core_down_}) thin(first, dead_core_, core_links);
  }
}

std::vector<LinkTier> PacketFabric::tiers() const {
  // The two families of a tier are alike and lie one after the other.
  const auto nics_count = static_cast<std::uint32_t>(nics());
  const bool rails = kind_ == FabricKind::kRailOptimized;
  const std::uint32_t group_count = group_down_ - group_up_;
  const std::uint32_t core_count = core_down_ - core_up_;
  std::vector<LinkTier> all = {{"nic-up", nic_up_, nics_count},
                               {rails ? "leaf-up" : "tor-up", group_up_, group_count},
                               {"core-up", core_up_, core_count},
                               {"core-down", core_down_, core_count},
                               {rails ? "leaf-down" : "tor-down", group_down_, group_count},
                               {"nic-down", nic_down_, nics_count}};
  std::erase_if(all, [](const LinkTier& tier) { return tier.count == 0; });
  return all;
}

PacketFabric::Place PacketFabric::place(int nic) const {
  if (kind_ == FabricKind::kRailOptimized) {
    const int leaves = (servers_ + kServersPerLeaf - 1) / kServersPerLeaf;
    return {nic % nics_per_server_ * leaves + nic / nics_per_server_ / kServersPerLeaf, 0};
  }
  const int tor = nic / kNicsPerTor;
  return {tor, tor / kTorsPerPod};
}

bool PacketFabric::is_thin_group(int group) const {
  return has_any(dead_group_, std::int64_t{group} * uplinks_, uplinks_);
}

bool PacketFabric::is_thin_pod(int pod) const {
  const std::int64_t links = std::int64_t{uplinks_} * kTorsPerPod;
  return has_any(dead_core_, pod * links, links);
}

bool PacketFabric::is_uniform_at(int nic) const {
  const auto [group, pod] = place(nic);
  return is_uniform_but_for_dead_links() && !is_thin_group(group) && !is_thin_pod(pod);
}

PacketFabric::Hops PacketFabric::hops_of(std::uint64_t choice) const {
  return {static_cast<std::uint32_t>(choice % uplinks_),
          static_cast<std::uint32_t>(choice / uplinks_ % kTorsPerPod)};
}

bool PacketFabric::works(int from, int to, std::uint64_t choice) const {
  if (dead_links_ == 0) return true;
  const auto [from_group, from_pod] = place(from);
  const auto [to_group, to_pod] = place(to);
  if (from_group == to_group) return true;
  if (paths_ == PathPolicy::kSpray) {
    const auto empty = [&](bool there_are_pools, std::uint32_t pool) {
      return there_are_pools && link_rates_[pool] < 1e-9;
    };
    return !empty(group_pools_, group_up_ + from_group) &&
           !empty(group_pools_, group_down_ + to_group) &&
           (from_pod == to_pod ||
            (!empty(core_pools_, core_up_ + from_pod) && !empty(core_pools_, core_down_ + to_pod)));
  }
  const auto [up, core] = hops_of(choice);
  const auto dead = [](const std::vector<std::uint32_t>& links, std::uint32_t link) {
    return std::ranges::binary_search(links, link);
  };
  for (const int group : {from_group, to_group}) {
    if (dead(dead_group_, group * uplinks_ + up)) return false;
  }
  if (from_pod == to_pod) return true;
  return !dead(dead_core_, (from_pod * uplinks_ + up) * kTorsPerPod + core) &&
         !dead(dead_core_, (to_pod * uplinks_ + up) * kTorsPerPod + core);
}

void PacketFabric::append_path(int from, int to, std::uint64_t hash,
                               std::vector<std::uint32_t>& path) const {
  if (from == to) return;
  const auto [from_group, from_pod] = place(from);
  const auto [to_group, to_pod] = place(to);
  if (dead_links_ > 0) {
    const std::uint64_t choices = path_choices(from, to);
    for (std::uint64_t tried = 1; !works(from, to, hash); ++tried, ++hash) {
      if (tried >= choices) {
        throw Error("--fail", fmt::format("every path from NIC {} to NIC {} has failed", from, to),
                    "leave one of the links");
      }
    }
  }
  path.push_back(nic_up_ + from);
  if (from_group != to_group && paths_ == PathPolicy::kEcmp) {
    const auto [up, core] = hops_of(hash);
    path.push_back(group_up_ + from_group * uplinks_ + up);
    if (from_pod != to_pod) {
      path.push_back(core_up_ + (from_pod * uplinks_ + up) * kTorsPerPod + core);
      path.push_back(core_down_ + (to_pod * uplinks_ + up) * kTorsPerPod + core);
    }
    path.push_back(group_down_ + to_group * uplinks_ + up);
  } else if (from_group != to_group) {
    const auto binds = [&](int group) {
      return group_pools_ && (oversubscription_ > 1 || is_thin_group(group));
    };
    const bool crosses_cores = core_pools_ && from_pod != to_pod;
    if (binds(from_group)) path.push_back(group_up_ + from_group);
    if (crosses_cores && is_thin_pod(from_pod)) path.push_back(core_up_ + from_pod);
    if (crosses_cores && is_thin_pod(to_pod)) path.push_back(core_down_ + to_pod);
    if (binds(to_group)) path.push_back(group_down_ + to_group);
  }
  path.push_back(nic_down_ + to);
}

int PacketFabric::path_choices(int from, int to) const {
  if (paths_ == PathPolicy::kSpray) return 1;
  const int links = hops(from, to);
  return links <= 2 ? 1 : links == 4 ? uplinks_ : uplinks_ * kTorsPerPod;
}

int PacketFabric::hops(int from, int to) const {
  if (from == to) return 0;
  const auto [from_group, from_pod] = place(from);
  const auto [to_group, to_pod] = place(to);
  if (from_group == to_group) return 2;
  return from_pod == to_pod ? 4 : 6;
}

}  // namespace mixnet
