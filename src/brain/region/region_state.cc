#include "region/region_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "base/error.h"

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
  state.drained.assign(servers, 0);
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

bool RegionState::is_pin(int a, int b) const {
  return !pins.empty() &&
         std::ranges::binary_search(pins, PortPair{std::min(a, b), std::max(a, b)});
}

int RegionState::pinned_to(int port) const {
  for (const PortPair& pin : pins) {
    if (pin.a == port) return pin.b;
    if (pin.b == port) return pin.a;
  }
  return -1;
}

// The bucket is one number: when it is full. Each connection puts that off by a token's time, and
// what is left until then is what is missing. It is rounded so that a minute brings no token more.

int RegionState::tokens() const {
  const int most = config.moves_per_minute;
  if (most == 0) return INT_MAX;
  const Duration token = config.token_time();
  const Duration missing = std::max(Duration::zero(), bucket_full - elapsed);
  return static_cast<int>(std::max<std::int64_t>(0, (token.ns * most - missing.ns) / token.ns));
}

Duration RegionState::token_at() const {
  return bucket_full - config.token_time() * (config.moves_per_minute - 1);
}

RegionState reconfigured(RegionState state, const RegionConfig& config) {
  const RegionConfig now = RegionState::fresh(config).config;
  const RegionConfig& before = state.config;
  if (now.servers != before.servers || now.optical_nics != before.optical_nics ||
      now.eps_nics != before.eps_nics) {
    throw Error("region",
                fmt::format("was one of {} servers with {} optical and {} EPS NICs, and is one of "
                            "{} with {} and {}",
                            before.servers, before.optical_nics, before.eps_nics, now.servers,
                            now.optical_nics, now.eps_nics),
                "begin with a new state");
  }
  state.config = now;
  std::erase_if(state.pins,
                [&](const PortPair& pin) { return now.forbids(pin.a) || now.forbids(pin.b); });
  for (const int port : now.forbidden) state.lit[port] = -1;
  for (int p = 0; p < now.ports(); ++p) {
    const int peer = state.lit[p];
    if (peer >= 0 && state.lit[peer] != p && !now.forbids(peer)) state.lit[p] = -1;
  }
  Counters& counters = state.counters;
  for (Slice& slice : state.slices) {
    if (slice.step == Step::kSwitching) {
      ++counters.timed_out;
      slice.overdue = slice.awaited;
    }
    counters.reads_timed_out += slice.step == Step::kReading ? 1 : 0;
    slice.forget_moves();
    slice.target.clear();
    slice.replan = true;
    slice.waiting = 0;
    // A read that nobody carries out and that is overdue: the next event asks for another.
    slice.step = Step::kReading;
    slice.awaited = slice.last_id = ++state.last_id;
    slice.deadline = state.elapsed;
    ++counters.reads;
  }
  return state;
}

const Slice* RegionState::find(int tenant) const {
  const auto at = std::ranges::lower_bound(slices, tenant, {}, &Slice::tenant);
  return at != slices.end() && at->tenant == tenant ? &*at : nullptr;
}

Slice* RegionState::find(int tenant) {
  return const_cast<Slice*>(static_cast<const RegionState*>(this)->find(tenant));
}

}  // namespace mixnet
