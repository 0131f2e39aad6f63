// Demands between servers that several jobs of one plan, routing and dispatch share: jobs that are
// simulated again for another speed or another switch, where only what goes over circuits differs.
// A gate of 64 ranks and 256 experts takes longer to draw than its all-to-all to simulate.
//
// Kept is what MixNet's circuits need of a demand: from server to server, the busiest rank's tokens
// and the bytes inside servers; not who sends what on which rail. 1.2 kB for a region of 8 servers.
//
// Thread-safe; entries stay where they are.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "moe/demand.h"
#include "moe/routing.h"

namespace mixnet {

class DemandCache {
 public:
  /// Null when it was not kept.
  const RegionDemand* find(const RoutingPlace& place) const;
  /// The first of a place stays.
  void keep(const RoutingPlace& place, const RegionDemand& demand);

 private:
  struct Hash {
    std::size_t operator()(const RoutingPlace& place) const;
  };

  mutable std::mutex mutex_;
  std::unordered_map<RoutingPlace, RegionDemand, Hash> kept_;
};

}  // namespace mixnet
