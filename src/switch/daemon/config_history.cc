#include "daemon/config_history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

constexpr std::string_view kName = "configs";
constexpr std::size_t kKept = 16;

nlohmann::json stored(RegionStore& store) {
  const auto text = store.value(kName);
  if (!text) return nlohmann::json::array();
  nlohmann::json list = nlohmann::json::parse(*text, nullptr, false);
  const bool is_fine = list.is_array() && std::ranges::all_of(list, [](const nlohmann::json& item) {
                         return item.is_array() && item.size() == 2 &&
                                item[0].is_number_unsigned() && item[1].is_string();
                       });
  if (!is_fine) throw Error("store: configs", "is damaged", "put a backup in its place");
  return list;
}

}  // namespace

RegionConfig read_config(std::string_view snapshot) {
  return read_snapshot(snapshot, "store: configs").config;
}

void note_config(RegionStore& store, std::uint64_t after, const RegionConfig& config) {
  nlohmann::json list = stored(store);
  list.push_back({after, write_snapshot(RegionState::fresh(config))});
  while (list.size() > kKept) list.erase(list.begin());
  store.put_value(kName, list.dump());
}

std::vector<NotedConfig> noted_configs(RegionStore& store) {
  std::vector<NotedConfig> noted;
  for (const nlohmann::json& item : stored(store)) {
    noted.push_back({item[0].get<std::uint64_t>(), read_config(item[1].get<std::string>())});
  }
  return noted;
}

}  // namespace mixnet
