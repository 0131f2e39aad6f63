#include "page_state.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "event_log.h"
#include "region_view.h"

namespace mixnet {
namespace {

using nlohmann::ordered_json;

double seconds(Duration span) { return static_cast<double>(span.ns) * 1e-9; }

ordered_json rounded(const std::optional<double>& dbm) {
  if (!dbm) return nullptr;
  return static_cast<double>(static_cast<long>(*dbm * 100 + (*dbm < 0 ? -0.5 : 0.5))) / 100;
}

std::string_view state_of(const RegionState& state, int port) {
  if (state.port_health[port].failed || state.optical_health[port].failed) return "failed";
  if (state.suspect(port)) return "suspect";
  return state.lit[port] >= 0 ? "lit" : "dark";
}

ordered_json nics_of(const RegionState& state, const DaemonSettings& settings,
                     const std::map<int, PortReading>& power, int server) {
  ordered_json nics = ordered_json::array();
  for (const SiteNic& nic : settings.site.servers[server].nics) {
    const int mine = port_at(nic.ocs, settings);
    if (mine < 0) continue;
    ordered_json one = {{"port", mine},
                        {"position", nic.ocs},
                        {"interface", nic.interface},
                        {"state", state_of(state, mine)}};
    if (std::ranges::binary_search(state.config.forbidden, mine)) one["forbidden"] = true;
    if (const auto read = power.find(nic.ocs); read != power.end()) {
      one["in_dbm"] = rounded(read->second.input_dbm);
      one["out_dbm"] = rounded(read->second.output_dbm);
    }
    nics.push_back(std::move(one));
  }
  return nics;
}

ordered_json servers_of(const RegionState& state, const DaemonSettings& settings,
                        const std::vector<PortReading>& readings) {
  std::map<int, PortReading> power;
  for (const PortReading& reading : readings) power[reading.port] = reading;
  ordered_json servers = ordered_json::array();
  for (int server = 0; server < state.config.servers; ++server) {
    servers.push_back({{"name", settings.server_name(server)},
                       {"tenant", state.owner[server]},
                       {"drained", state.drained[server] != 0},
                       {"failed", !state.live(server)},
                       {"eps", state.has_eps(server)},
                       {"nics", nics_of(state, settings, power, server)}});
  }
  return servers;
}

// Lit ones, and those that are to come: "lit", "going" (its disconnection is under way), "coming".
ordered_json circuits_of(const RegionState& state) {
  std::set<PortPair> going, coming, lit;
  for (const Slice& slice : state.slices) {
    if (slice.step != Step::kSettled)
      going.insert(slice.disconnect.begin(), slice.disconnect.end());
    coming.insert(slice.target.begin(), slice.target.end());
    const std::vector<PortPair> mine = lit_circuits(state, slice.tenant);
    lit.insert(mine.begin(), mine.end());
  }
  ordered_json circuits = ordered_json::array();
  const auto add = [&](const PortPair& pair, std::string_view how) {
    ordered_json one = {
        {"a", pair.a}, {"b", pair.b}, {"tenant", state.owner_of(pair.a)}, {"state", how}};
    if (std::ranges::binary_search(state.pins, pair)) one["pinned"] = true;
    circuits.push_back(std::move(one));
  };
  for (const PortPair& pair : lit) add(pair, going.contains(pair) ? "going" : "lit");
  for (const PortPair& pair : coming) {
    if (!lit.contains(pair)) add(pair, "coming");
  }
  return circuits;
}

// Square, row by row; `group`: so many neighbours of the slice in one row and column.
ordered_json demand_of(const Slice& slice) {
  const std::size_t n = slice.servers.size();
  if (slice.demand.rows() != n || slice.demand.columns() != n || n == 0) return nullptr;
  const std::size_t group = (n + kMostCells - 1) / kMostCells;
  const std::size_t cells = (n + group - 1) / group;
  std::vector<std::int64_t> sums(cells * cells);
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      std::int64_t& sum = sums[from / group * cells + to / group];
      if (from != to) sum = saturating_sum(sum, slice.demand(from, to));
    }
  }
  return {{"group", group}, {"cells", cells}, {"bytes", sums}};
}

ordered_json tenants_of(const RegionState& state) {
  ordered_json tenants = ordered_json::array();
  for (const Slice& slice : state.slices) {
    if (slice.tenant == 0) continue;
    const std::optional<double> served = served_by_circuits(state, slice);
    ordered_json one = {{"tenant", slice.tenant},        {"servers", slice.servers},
                        {"step", to_string(slice.step)}, {"leaving", slice.leaving},
                        {"phase", slice.phase.sequence}, {"iteration", slice.phase.iteration},
                        {"layer", slice.phase.layer},    {"backward", slice.phase.backward},
                        {"running", slice.running},      {"epoch", slice.announced.epoch},
                        {"served_ratio", nullptr},       {"demand", demand_of(slice)}};
    if (served) one["served_ratio"] = *served;
    ordered_json cut = ordered_json::array();
    for (const auto& [a, b] : slice.announced.cut) cut.push_back({a, b});
    one["cut"] = std::move(cut);
    tenants.push_back(std::move(one));
  }
  return tenants;
}

ordered_json alarms_of(const std::vector<ShownAlarm>& alarms) {
  ordered_json list = ordered_json::array();
  for (const ShownAlarm& alarm : alarms) {
    list.push_back({{"at_ms", alarm.at.ns / 1'000'000},
                    {"severity", to_string(alarm.severity)},
                    {"code", alarm.code},
                    {"tenant", alarm.tenant},
                    {"text", alarm.text},
                    {"advice", alarm.advice}});
  }
  return list;
}

ordered_json latency_of(const RecentTimes& times) {
  // Of the whole: one bar each factor of about two, from 1 ms to 30 s.
  static const std::vector<Duration> bounds = [] {
    std::vector<Duration> made;
    for (const std::int64_t ms :
         {1, 2, 5, 10, 20, 30, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 30'000}) {
      made.push_back(Duration::milliseconds(ms));
    }
    return made;
  }();
  ordered_json stages = ordered_json::array();
  for (const NamedValue<Stage>& stage : Names<Stage>::kTable) {
    const RecentTimes::Summary summary = times.summary(stage.value);
    stages.push_back({{"stage", stage.name},
                      {"count", summary.count},
                      {"p50_seconds", seconds(summary.p50)},
                      {"p99_seconds", seconds(summary.p99)},
                      {"most_seconds", seconds(summary.most)}});
  }
  ordered_json upto = ordered_json::array();
  for (const Duration bound : bounds) upto.push_back(seconds(bound));
  return {{"stages", std::move(stages)},
          {"bounds_seconds", std::move(upto)},
          {"counts", times.histogram(Stage::kTotal, bounds)}};
}

}  // namespace

std::string page_state(const RegionState& state, const DaemonSettings& settings,
                       const PageFacts& facts) {
  ordered_json pins = ordered_json::array();
  for (const auto& [a, b] : state.pins) pins.push_back({a, b});
  const ordered_json document = {{"format", "mixnet.region-page/1"},
                                 {"region", settings.site.name},
                                 {"switch", settings.address.shown()},
                                 {"version", facts.version},
                                 {"policy", to_string(state.config.policy)},
                                 {"allocator", to_string(state.config.allocator)},
                                 {"run", std::to_string(facts.run)},
                                 {"at_ms", facts.now.ns / 1'000'000},
                                 {"record", facts.record},
                                 {"ready", facts.ready},
                                 {"healthy", facts.healthy},
                                 {"why", facts.why_not_ready},
                                 {"observes", settings.observes},
                                 {"held", state.held},
                                 {"device_silent", state.device_silent},
                                 {"optical_nics", state.config.optical_nics},
                                 {"servers", servers_of(state, settings, facts.power)},
                                 {"circuits", circuits_of(state)},
                                 {"pins", std::move(pins)},
                                 {"tenants", tenants_of(state)},
                                 {"alarms", alarms_of(facts.alarms)},
                                 {"latency", latency_of(facts.times)},
                                 {"totals",
                                  {{"commands", facts.totals.commands},
                                   {"failed_commands", facts.totals.failed_commands},
                                   {"ports_moved", facts.totals.ports_moved},
                                   {"dark_seconds", facts.totals.dark_seconds}}}};
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace mixnet
