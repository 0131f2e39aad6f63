#include "region/region_state.h"

#include <algorithm>
#include <utility>

namespace mixnet {

std::vector<int> Slice::moving_ports() const {
  std::vector<int> moving;
  for (const auto* list : {&disconnect, &connect}) {
    for (const PortPair& pair : *list) moving.insert(moving.end(), {pair.a, pair.b});
  }
  std::ranges::sort(moving);
  return moving;
}

void Slice::forget_moves() {
  disconnect.clear();
  connect.clear();
  moves = 0;
}

RegionState RegionState::fresh(const RegionConfig& config) {
  RegionState state;
  state.config = config;
  if (config.numa_of_nic.empty() && config.optical_nics > 0) {
    state.config.numa_of_nic.assign(static_cast<std::size_t>(config.optical_nics), 0);
  }
  check_config(state.config);
  const auto ports = static_cast<std::size_t>(config.ports());
  const auto servers = static_cast<std::size_t>(config.servers);
  state.lit.assign(ports, -1);
  state.port_health.resize(ports);
  state.optical_health.resize(ports);
  state.eps_health.resize(servers * static_cast<std::size_t>(config.eps_nics));
  state.server_health.resize(servers);
  state.suspicion.resize(ports);
  state.owner.assign(servers, 0);
  Slice pool;
  for (int server = 0; server < config.servers; ++server) pool.servers.push_back(server);
  state.slices.push_back(std::move(pool));
  return state;
}

int RegionState::eps_nics_up(int server) const {
  const int first = server * config.eps_nics;
  int up = 0;
  for (int i = first; i < first + config.eps_nics; ++i) up += eps_health[i].failed ? 0 : 1;
  return up;
}

const Slice* RegionState::find(int tenant) const {
  const auto at = std::ranges::lower_bound(slices, tenant, {}, &Slice::tenant);
  return at != slices.end() && at->tenant == tenant ? &*at : nullptr;
}

Slice* RegionState::find(int tenant) {
  return const_cast<Slice*>(static_cast<const RegionState*>(this)->find(tenant));
}

}  // namespace mixnet
