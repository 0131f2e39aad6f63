#include "fabric/packet_fabric.h"

#include <algorithm>
#include <cmath>

namespace mixnet {

PacketFabric::PacketFabric(FabricKind kind, int servers, int nics_per_server,
                           double oversubscription, PathPolicy paths)
    : kind_(kind),
      servers_(servers),
      nics_per_server_(nics_per_server),
      oversubscription_(kind == FabricKind::kOversubFatTree ? oversubscription : 1),
      paths_(paths) {
  nic_up_ = add_links(nics(), 1);
  nic_down_ = add_links(nics(), 1);
  kind_ == FabricKind::kRailOptimized ? build_rails() : build_tree();
}

std::uint32_t PacketFabric::add_links(std::int64_t count, double rate) {
  const auto first = static_cast<std::uint32_t>(link_rates_.size());
  link_rates_.insert(link_rates_.end(), static_cast<std::size_t>(count), rate);
  return first;
}

void PacketFabric::build_tree() {
  const int tors = (nics() + kNicsPerTor - 1) / kNicsPerTor;
  const double tor_rate = kNicsPerTor / oversubscription_;
  if (paths_ == PathPolicy::kSpray) {
    if (oversubscription_ > 1) {
      group_up_ = add_links(tors, tor_rate);
      group_down_ = add_links(tors, tor_rate);
    }
    return;
  }
  const int pods = (tors + kTorsPerPod - 1) / kTorsPerPod;
  uplinks_ = std::max(1, static_cast<int>(std::ceil(tor_rate - 1e-9)));
  const double link_rate = tor_rate / uplinks_;
  group_up_ = add_links(std::int64_t{tors} * uplinks_, link_rate);
  group_down_ = add_links(std::int64_t{tors} * uplinks_, link_rate);
  core_up_ = add_links(std::int64_t{pods} * uplinks_ * kTorsPerPod, link_rate);
  core_down_ = add_links(std::int64_t{pods} * uplinks_ * kTorsPerPod, link_rate);
}

void PacketFabric::build_rails() {
  if (paths_ == PathPolicy::kSpray) return;
  const std::int64_t leaves =
      std::int64_t{(servers_ + kServersPerLeaf - 1) / kServersPerLeaf} * nics_per_server_;
  uplinks_ = kServersPerLeaf;
  group_up_ = add_links(leaves * uplinks_, 1);
  group_down_ = add_links(leaves * uplinks_, 1);
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

void PacketFabric::append_path(int from, int to, std::uint64_t hash,
                               std::vector<std::uint32_t>& path) const {
  if (from == to) return;
  const auto [from_group, from_pod] = place(from);
  const auto [to_group, to_pod] = place(to);
  path.push_back(nic_up_ + from);
  if (from_group != to_group) {
    if (paths_ == PathPolicy::kEcmp) {
      const auto up = static_cast<std::uint32_t>(hash % uplinks_);
      path.push_back(group_up_ + from_group * uplinks_ + up);
      if (from_pod != to_pod) {
        const auto core = static_cast<std::uint32_t>(hash / uplinks_ % kTorsPerPod);
        path.push_back(core_up_ + (from_pod * uplinks_ + up) * kTorsPerPod + core);
        path.push_back(core_down_ + (to_pod * uplinks_ + up) * kTorsPerPod + core);
      }
      path.push_back(group_down_ + to_group * uplinks_ + up);
    } else if (oversubscription_ > 1) {
      path.push_back(group_up_ + from_group);
      path.push_back(group_down_ + to_group);
    }
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
