#include "moe/demand_cache.h"

#include <utility>

#include "base/random.h"

namespace mixnet {

std::size_t DemandCache::Hash::operator()(const RoutingPlace& place) const {
  const auto half = [](int a, int b) {
    return std::uint64_t{static_cast<std::uint32_t>(a)} << 32 | static_cast<std::uint32_t>(b);
  };
  return mix64(half(place.iteration, place.layer) ^ mix64(half(place.micro_batch, place.replica)));
}

const RegionDemand* DemandCache::find(const RoutingPlace& place) const {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(place);
  return found == kept_.end() ? nullptr : &found->second;
}

void DemandCache::keep(const RoutingPlace& place, const RegionDemand& demand) {
  RegionDemand kept;
  kept.servers = demand.servers;
  kept.region_gpus = demand.region_gpus;
  kept.rail_classes = demand.rail_classes;
  kept.rail_width = demand.rail_width;
  kept.server_bytes = demand.server_bytes;
  kept.busiest_rank_tokens = demand.busiest_rank_tokens;
  kept.mean_rank_tokens = demand.mean_rank_tokens;
  kept.scale_up_direct = demand.scale_up_direct;
  kept.scale_up_inside = demand.scale_up_inside;
  kept.scale_up_delegated = demand.scale_up_delegated;
  const std::lock_guard lock(mutex_);
  kept_.try_emplace(place, std::move(kept));
}

}  // namespace mixnet
