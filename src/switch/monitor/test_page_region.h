// A small region for tests of this room: servers gpu-0, gpu-1, ... with two optical NICs each, port
// p at position p + 1; tenant 3 has the first two servers and the circuit of ports 0 and 2.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "region/region_state.h"

namespace mixnet {

inline RegionConfig test_config(int servers) {
  RegionConfig config;
  config.servers = servers;
  config.optical_nics = 2;
  config.eps_nics = 1;
  return config;
}

inline RegionState test_region(int servers) {
  RegionState state = RegionState::fresh(test_config(servers));
  if (servers < 2) return state;
  state.owner[0] = state.owner[1] = 3;
  auto& pool = state.slices.front().servers;
  pool.erase(pool.begin(), pool.begin() + 2);
  Slice& slice = state.slices.emplace_back();
  slice.tenant = 3;
  slice.servers = {0, 1};
  state.lit[0] = 2;
  state.lit[2] = 0;
  return state;
}

inline DeviceCommand test_command(std::uint64_t id, int tenant) {
  DeviceCommand command;
  command.id = id;
  command.tenant = tenant;
  return command;
}

inline TopologyAnnouncement test_announcement(int tenant) {
  TopologyAnnouncement said;
  said.tenant = tenant;
  return said;
}

inline DeviceDone test_done(std::uint64_t id, int tenant) {
  DeviceDone done;
  done.id = id;
  done.tenant = tenant;
  return done;
}

/// Its decisions take 100 us, the store 30, handing over 10.
inline EventHandled test_event(const Event& event, const std::vector<Decision>& decisions,
                               const RegionState& state, MonotonicTime at) {
  using namespace std::chrono_literals;
  return {.record = 1,
          .now = Instant::unix_seconds(1'700'000'000),
          .event = event,
          .decisions = decisions,
          .state = state,
          .times = {at, at + 100us, at + 130us, at + 140us}};
}

inline DaemonSettings test_settings(int servers) {
  DaemonSettings settings;
  settings.input = "region.yaml";
  settings.site.name = "pod-7";
  settings.region = test_config(servers);
  settings.address.host = "10.0.0.5";
  settings.address.port = 3082;
  settings.address.password = "hunter2";
  settings.port_of_position = {-1};
  for (int server = 0; server < servers; ++server) {
    SiteServer one;
    one.name = "gpu-" + std::to_string(server);
    for (int nic = 0; nic < 2; ++nic) {
      const int port = server * 2 + nic;
      SiteNic& optical = one.nics.emplace_back();
      optical.interface = "eth" + std::to_string(nic + 2);
      optical.ocs = port + 1;
      settings.position_of_port.push_back(port + 1);
      settings.port_of_position.push_back(port);
    }
    one.nics.emplace_back().interface = "eth0";
    settings.site.servers.push_back(one);
  }
  settings.nic_up.assign(settings.position_of_port.size(), Duration::zero());
  return settings;
}

}  // namespace mixnet
