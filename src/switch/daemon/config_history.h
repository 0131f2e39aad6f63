// Which configuration held from which record on, for a replay: kept in the store's value "configs",
// the latest 16 changes. Not thread-safe, as the store.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "region/region_state.h"
#include "store/region_store.h"

namespace mixnet {

struct NotedConfig {
  std::uint64_t after = 0;  ///< the last record under the one before
  RegionConfig config;
};

void note_config(RegionStore& store, std::uint64_t after, const RegionConfig& config);
/// In order. Throws Error where the value is damaged.
std::vector<NotedConfig> noted_configs(RegionStore& store);
/// Of a snapshot.
RegionConfig read_config(std::string_view snapshot);

}  // namespace mixnet
