#include "service/state_view.h"

#include <algorithm>
#include <vector>

#include "wire/region_wire.h"

namespace mixnet {
namespace {

std::string_view name_of(Step step) {
  switch (step) {
    case Step::kSettled:
      return "settled";
    case Step::kDraining:
      return "draining";
    case Step::kSwitching:
      return "switching";
    case Step::kReading:
      return "reading";
  }
  return "?";
}

/// Share of the demand's bytes between pairs of servers that have a circuit.
double served_share(const Slice& slice) {
  const int servers = static_cast<int>(slice.servers.size());
  if (static_cast<int>(slice.demand.rows()) != servers) return 0;
  std::vector<int> number(*std::ranges::max_element(slice.servers) + 1, -1);
  for (int i = 0; i < servers; ++i) number[slice.servers[i]] = i;
  Matrix<std::uint8_t> joined(servers, servers);
  for (const Circuit& circuit : slice.announced.circuits) {
    const int most = std::max(circuit.server_a, circuit.server_b);
    if (most >= static_cast<int>(number.size())) continue;
    const int a = number[circuit.server_a];
    const int b = number[circuit.server_b];
    if (a < 0 || b < 0) continue;
    joined(a, b) = joined(b, a) = 1;
  }
  double all = 0, served = 0;
  for (int a = 0; a < servers; ++a) {
    for (int b = 0; b < servers; ++b) {
      if (a == b) continue;
      const auto bytes = static_cast<double>(slice.demand(a, b));
      all += bytes;
      if (joined(a, b) != 0) served += bytes;
    }
  }
  return all > 0 ? served / all : 0;
}

void fill(const Slice& slice, v1::TenantStatus& out) {
  out.set_tenant(slice.tenant);
  out.mutable_servers()->Add(slice.servers.begin(), slice.servers.end());
  out.set_step(std::string(name_of(slice.step)));
  out.set_leaving(slice.leaving);
  *out.mutable_phase() = to_wire(slice.phase);
  out.set_running(slice.running);
  out.set_epoch(slice.announced.epoch);
  if (slice.tenant != 0 && !slice.servers.empty()) {
    out.set_served_by_circuits(served_share(slice));
  }
}

}  // namespace

v1::RegionDescription describe(const DaemonSettings& settings, std::string_view version) {
  v1::RegionDescription out;
  out.set_name(settings.site.name);
  out.set_switch_(settings.address.shown());
  out.set_optical_nics(settings.region.optical_nics);
  out.set_eps_nics(settings.region.eps_nics);
  out.set_policy(std::string(to_string(settings.region.policy)));
  out.set_allocator(std::string(to_string(settings.region.allocator)));
  out.set_observes(settings.observes);
  out.set_version(std::string(version));
  for (int server = 0; server < settings.region.servers; ++server) {
    v1::ServerDescription& described = *out.add_servers();
    const SiteServer& site = settings.site.servers[server];
    described.set_name(site.name);
    int nic = 0;
    for (const SiteNic& one : site.nics) {
      if (one.ocs == 0) continue;
      v1::OpticalNic& optical = *described.add_optical();
      optical.set_port(server * settings.region.optical_nics + nic++);
      optical.set_position(one.ocs);
      optical.set_interface(one.interface);
    }
  }
  return out;
}

v1::Status status_of(const RegionState& state, const RunFacts& facts) {
  v1::Status out;
  out.set_now_ns(facts.now.ns);
  out.set_run(facts.run);
  out.set_records(facts.records);
  out.set_ready(facts.ready);
  out.set_device_silent(state.device_silent);
  out.set_held(state.held);
  for (const Slice& slice : state.slices) fill(slice, *out.add_tenants());
  const int nics = state.config.optical_nics;
  for (int server = 0; server < state.config.servers; ++server) {
    v1::ServerStatus& one = *out.add_servers();
    one.set_server(server);
    one.set_tenant(state.owner[server]);
    one.set_drained(state.drained[server] != 0);
    one.set_failed(!state.live(server));
    const auto lit = state.lit.begin() + server * nics;
    one.set_circuits(
        static_cast<int>(std::count_if(lit, lit + nics, [](int peer) { return peer >= 0; })));
  }
  for (int port = 0; port < state.config.ports(); ++port) {
    if (state.lit[port] > port) {
      v1::PortPair& pair = *out.add_lit();
      pair.set_a(port);
      pair.set_b(state.lit[port]);
    }
    if (state.suspect(port)) out.add_suspect_ports(port);
    if (state.port_health[port].failed || state.optical_health[port].failed) {
      out.add_failed_ports(port);
    }
  }
  for (const PortPair& pin : state.pins) {
    v1::PortPair& pair = *out.add_pins();
    pair.set_a(pin.a);
    pair.set_b(pin.b);
  }
  return out;
}

std::optional<TopologyAnnouncement> announced_to(const RegionState& state, int tenant) {
  const Slice* slice = tenant > 0 ? state.find(tenant) : nullptr;
  if (slice == nullptr) return {};
  return slice->announced;
}

v1::Topology topology_message(const TopologyAnnouncement& announcement, std::int64_t run,
                              bool observes) {
  v1::Topology out = to_wire(announcement);
  out.set_run(run);
  out.set_observes(observes);
  return out;
}

}  // namespace mixnet
