#include "region/region_snapshot.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_reader.h"

namespace mixnet {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "mixnet region snapshot";

// Writing.

json to_json(const std::vector<PortPair>& pairs) {
  json out = json::array();
  for (const PortPair& pair : pairs) out.push_back({pair.a, pair.b});
  return out;
}

json to_json(const PhaseId& phase) {
  return {phase.sequence, phase.iteration, phase.layer, phase.backward};
}

json to_json(const PhaseOutlook& outlook) {
  return {outlook.before.ns, outlook.after.ns, outlook.inside.ns, outlook.expected};
}

json to_json(const ServerDemand& demand) {
  return {demand.rows(), std::vector<std::int64_t>(demand.cells().begin(), demand.cells().end())};
}

json to_json(const std::vector<Health>& parts) {
  json out = json::array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] != Health{}) out.push_back({i, parts[i].failed, parts[i].stamp});
  }
  return out;
}

json to_json(const TopologyAnnouncement& said) {
  json circuits = json::array();
  for (const Circuit& c : said.circuits) {
    circuits.push_back({c.server_a, c.nic_a, c.server_b, c.nic_b});
  }
  json relays = json::array();
  for (const Relay& relay : said.relays) relays.push_back({relay.from, relay.to, relay.via});
  return {{"epoch", said.epoch},   {"served", to_json(said.served)},
          {"closed", said.closed}, {"circuits", circuits},
          {"relays", relays},      {"cut", to_json(said.cut)}};
}

json to_json(const Slice& slice) {
  return {{"tenant", slice.tenant},
          {"servers", slice.servers},
          {"leaving", slice.leaving},
          {"step", static_cast<int>(slice.step)},
          {"deadline", slice.deadline.ns},
          {"awaited", slice.awaited},
          {"last_id", slice.last_id},
          {"overdue", slice.overdue},
          {"disconnect", to_json(slice.disconnect)},
          {"connect", to_json(slice.connect)},
          {"moves", slice.moves},
          {"denied", slice.denied},
          {"attempts", slice.attempts},
          {"batch_limit", slice.batch_limit},
          {"waiting", slice.waiting},
          {"clear_at", slice.clear_at.ns},
          {"read_failures", slice.read_failures},
          {"target", to_json(slice.target)},
          {"replan", slice.replan},
          {"held", slice.held},
          {"phase", to_json(slice.phase)},
          {"demand", to_json(slice.demand)},
          {"next_phase", to_json(slice.next_phase)},
          {"next_demand", to_json(slice.next_demand)},
          {"outlook", to_json(slice.outlook)},
          {"next_outlook", to_json(slice.next_outlook)},
          {"rewire", static_cast<int>(slice.rewire)},
          {"served", to_json(slice.served)},
          {"running", slice.running},
          {"ended", slice.ended},
          {"running_until", slice.running_until.ns},
          {"announced", to_json(slice.announced)}};
}

json to_json(const RegionConfig& c) {
  return {{"servers", c.servers},
          {"optical_nics", c.optical_nics},
          {"eps_nics", c.eps_nics},
          {"forbidden", c.forbidden},
          {"moves_per_minute", c.moves_per_minute},
          {"numa_of_nic", c.numa_of_nic},
          {"nic_rate", c.nic_rate.bits_per_second},
          {"policy", to_string(c.policy)},
          {"switch_delay", c.switch_delay.ns},
          {"allocator", to_string(c.allocator)},
          {"budget", c.budget},
          {"tolerance", c.tolerance},
          {"attempts", c.attempts},
          {"drain", c.drain.ns},
          {"command_timeout", c.command_timeout.ns},
          {"read_timeout", c.read_timeout.ns},
          {"phase_limit", c.phase_limit.ns},
          {"audit_period", c.audit_period.ns},
          {"suspect_hold", c.suspect_hold.ns}};
}

// Reading. JsonReader's integers pass through doubles, which nanoseconds of years do not fit.

std::int64_t whole(const JsonReader& at) {
  if (!at.value().is_number_integer() ||
      (at.value().is_number_unsigned() && at.value().get<std::uint64_t>() > INT64_MAX)) {
    throw Error(at.place(), "is not a whole number of 63 bits");
  }
  return at.value().get<std::int64_t>();
}

std::uint64_t natural(const JsonReader& at) {
  if (!at.value().is_number_unsigned()) throw Error(at.place(), "is not a whole number from 0");
  return at.value().get<std::uint64_t>();
}

int small(const JsonReader& at) { return static_cast<int>(at.integer(-1, INT32_MAX)); }

/// How a version of the document counts time.
enum class Unit { kNanoseconds, kPicoseconds };

Unit unit_of(std::int64_t version) {
  return version == 1 ? Unit::kPicoseconds : Unit::kNanoseconds;
}

Duration time(const JsonReader& at, Unit unit) {
  const std::int64_t count = whole(at);
  if (count < 0) throw Error(at.place(), "is negative");
  return unit == Unit::kNanoseconds ? Duration{count} : Duration::of(Time::picoseconds(count));
}

void expect_size(const JsonReader& at, std::size_t size) {
  if (at.size() != size)
    throw Error(at.place(), fmt::format("has {} values, not {}", at.size(), size));
}

std::size_t index(const JsonReader& at, std::size_t size) {
  const std::uint64_t value = natural(at);
  if (value >= size) throw Error(at.place(), fmt::format("{} is not below {}", value, size));
  return static_cast<std::size_t>(value);
}

template <typename Read>
auto list(const JsonReader& at, Read read) {
  std::vector<decltype(read(at))> out;
  const std::size_t size = at.size();
  out.reserve(size);
  for (std::size_t i = 0; i < size; ++i) out.push_back(read(at.at(i)));
  return out;
}

PortPair pair(const JsonReader& at) {
  expect_size(at, 2);
  return {small(at.at(0)), small(at.at(1))};
}

PhaseId phase(const JsonReader& at) {
  expect_size(at, 4);
  return {natural(at.at(0)), whole(at.at(1)), small(at.at(2)), at.at(3).boolean()};
}

PhaseOutlook outlook(const JsonReader& at) {
  expect_size(at, 4);
  const auto span = [&](std::size_t i) { return time(at.at(i), Unit::kNanoseconds); };
  return {span(0), span(1), span(2), at.at(3).boolean()};
}

ServerDemand demand(const JsonReader& at) {
  expect_size(at, 2);
  const JsonReader cells = at.at(1);
  const auto n = static_cast<std::size_t>(at.at(0).integer(0, RegionConfig::kMaxServers));
  expect_size(cells, n * n);
  ServerDemand out(n, n);
  for (std::size_t i = 0; i < n * n; ++i) out.cells()[i] = whole(cells.at(i));
  return out;
}

void health(const JsonReader& at, std::vector<Health>& parts) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    const JsonReader one = at.at(i);
    expect_size(one, 3);
    parts[index(one.at(0), parts.size())] = {one.at(1).boolean(), natural(one.at(2))};
  }
}

TopologyAnnouncement announcement(const JsonReader& at, int tenant) {
  TopologyAnnouncement said;
  said.tenant = tenant;
  said.epoch = natural(at.at("epoch"));
  said.served = phase(at.at("served"));
  said.closed = at.at("closed").boolean();
  said.circuits = list(at.at("circuits"), [](const JsonReader& one) {
    expect_size(one, 4);
    return Circuit{small(one.at(0)), small(one.at(1)), small(one.at(2)), small(one.at(3))};
  });
  said.relays = list(at.at("relays"), [](const JsonReader& one) {
    expect_size(one, 3);
    return Relay{small(one.at(0)), small(one.at(1)), list(one.at(2), small)};
  });
  said.cut = list(at.at("cut"), pair);
  return said;
}

Slice slice(const JsonReader& at, std::int64_t version) {
  const Unit unit = unit_of(version);
  Slice out;
  out.tenant = small(at.at("tenant"));
  out.servers = list(at.at("servers"), small);
  out.leaving = at.at("leaving").boolean();
  out.step = static_cast<Step>(at.at("step").integer(0, static_cast<int>(Step::kReading)));
  out.deadline = time(at.at("deadline"), unit);
  out.awaited = natural(at.at("awaited"));
  out.last_id = natural(at.at("last_id"));
  out.overdue = natural(at.at("overdue"));
  out.disconnect = list(at.at("disconnect"), pair);
  out.connect = list(at.at("connect"), pair);
  out.moves = small(at.at("moves"));
  out.denied = at.at("denied").boolean();
  out.attempts = small(at.at("attempts"));
  out.batch_limit = small(at.at("batch_limit"));
  out.read_failures = small(at.at("read_failures"));
  if (version >= 4) {
    out.waiting = small(at.at("waiting"));
    out.clear_at = time(at.at("clear_at"), unit);
  }
  out.target = list(at.at("target"), pair);
  out.replan = at.at("replan").boolean();
  out.held = at.at("held").boolean();
  out.phase = phase(at.at("phase"));
  out.demand = demand(at.at("demand"));
  out.next_phase = phase(at.at("next_phase"));
  out.next_demand = demand(at.at("next_demand"));
  if (version >= 3) {
    out.outlook = outlook(at.at("outlook"));
    out.next_outlook = outlook(at.at("next_outlook"));
    out.rewire = static_cast<Rewire>(at.at("rewire").integer(0, static_cast<int>(Rewire::kNot)));
  }
  out.served = phase(at.at("served"));
  out.running = natural(at.at("running"));
  out.ended = natural(at.at("ended"));
  out.running_until = time(at.at("running_until"), unit);
  out.announced = announcement(at.at("announced"), out.tenant);
  return out;
}

RegionConfig config(const JsonReader& at, std::int64_t version) {
  const Unit unit = unit_of(version);
  RegionConfig c;
  c.servers = small(at.at("servers"));
  c.optical_nics = small(at.at("optical_nics"));
  c.eps_nics = small(at.at("eps_nics"));
  c.numa_of_nic = list(at.at("numa_of_nic"), small);
  if (version >= 4) {
    c.forbidden = list(at.at("forbidden"), small);
    c.moves_per_minute = small(at.at("moves_per_minute"));
  }
  if (version >= 3) {
    c.nic_rate = {whole(at.at("nic_rate"))};
    c.policy = parse<Reconfiguration>(at.at("policy").string(), at.at("policy").place());
    c.switch_delay = time(at.at("switch_delay"), unit);
  }
  c.allocator = parse<AllocatorKind>(at.at("allocator").string(), at.at("allocator").place());
  c.budget = whole(at.at("budget"));
  c.tolerance = at.at("tolerance").number();
  c.attempts = small(at.at("attempts"));
  c.drain = time(at.at("drain"), unit);
  c.command_timeout = time(at.at("command_timeout"), unit);
  c.read_timeout = time(at.at("read_timeout"), unit);
  c.phase_limit = time(at.at("phase_limit"), unit);
  c.audit_period = time(at.at("audit_period"), unit);
  c.suspect_hold = time(at.at("suspect_hold"), unit);
  return c;
}

/// What operators want.
void operators(const JsonReader& root, RegionState& state) {
  const JsonReader drained = root.at("drained");
  for (std::size_t i = 0; i < drained.size(); ++i) {
    state.drained[index(drained.at(i), state.drained.size())] = 1;
  }
  state.pins = list(root.at("pins"), pair);
  state.held = root.at("switch_held").boolean();
  state.bucket_full = time(root.at("bucket_full"), Unit::kNanoseconds);
}

}  // namespace

std::string write_snapshot(const RegionState& state) {
  json lit = json::array();
  json suspicion = json::array();
  for (std::size_t p = 0; p < state.lit.size(); ++p) {
    if (state.lit[p] >= 0) lit.push_back({p, state.lit[p]});
    const Suspicion& suspect = state.suspicion[p];
    if (suspect != Suspicion{}) suspicion.push_back({p, suspect.until.ns, suspect.strikes});
  }
  json drained = json::array();
  for (std::size_t s = 0; s < state.drained.size(); ++s) {
    if (state.drained[s] != 0) drained.push_back(s);
  }
  json slices = json::array();
  for (const Slice& one : state.slices) slices.push_back(to_json(one));
  const Counters& n = state.counters;
  const json document = {{"format", kFormat},
                         {"version", kSnapshotVersion},
                         {"config", to_json(state.config)},
                         {"now", state.now ? json(state.now->ns) : json(nullptr)},
                         {"elapsed", state.elapsed.ns},
                         {"next_audit", state.next_audit.ns},
                         {"last_id", state.last_id},
                         {"device_silent", state.device_silent},
                         {"lit", lit},
                         {"port_health", to_json(state.port_health)},
                         {"optical_health", to_json(state.optical_health)},
                         {"eps_health", to_json(state.eps_health)},
                         {"server_health", to_json(state.server_health)},
                         {"suspicion", suspicion},
                         {"drained", drained},
                         {"pins", to_json(state.pins)},
                         {"switch_held", state.held},
                         {"bucket_full", state.bucket_full.ns},
                         {"slices", slices},
                         {"counters",
                          {n.commands, n.answered, n.timed_out, n.reads, n.reads_answered,
                           n.reads_timed_out, n.dropped, n.contradictions}}};
  return document.dump() + "\n";
}

RegionState read_snapshot(std::string_view text, std::string_view input) {
  const json document = parse_json(text, input);
  const JsonReader root(document, input);
  if (root.string_or("format", "") != kFormat) {
    throw Error(root.place(), "is not a snapshot of a region's controller");
  }
  const auto version = root.at("version").integer();
  if (version < 1 || version > kSnapshotVersion) {
    throw Error(root.at("version").place(), "is of another program version",
                fmt::format("versions 1 to {} can be read", kSnapshotVersion));
  }
  const Unit unit = unit_of(version);
  const RegionConfig given = config(root.at("config"), version);
  RegionState state = RegionState::fresh(given);
  state.config = given;
  if (version == 1) {
    state.elapsed = time(root.at("now"), unit);
  } else {
    // Null: no event was heard yet.
    const bool is_null = root.value().contains("now") && !root.has("now");
    if (!is_null) state.now = Instant{whole(root.at("now"))};
    state.elapsed = time(root.at("elapsed"), unit);
  }
  state.next_audit = time(root.at("next_audit"), unit);
  state.last_id = natural(root.at("last_id"));
  state.device_silent = root.at("device_silent").boolean();
  const JsonReader lit = root.at("lit");
  for (std::size_t i = 0; i < lit.size(); ++i) {
    const JsonReader one = lit.at(i);
    expect_size(one, 2);
    state.lit[index(one.at(0), state.lit.size())] = small(one.at(1));
  }
  health(root.at("port_health"), state.port_health);
  health(root.at("optical_health"), state.optical_health);
  health(root.at("eps_health"), state.eps_health);
  health(root.at("server_health"), state.server_health);
  const JsonReader suspicion = root.at("suspicion");
  for (std::size_t i = 0; i < suspicion.size(); ++i) {
    const JsonReader one = suspicion.at(i);
    expect_size(one, 3);
    state.suspicion[index(one.at(0), state.lit.size())] = {time(one.at(1), unit), small(one.at(2))};
  }
  if (version >= 4) operators(root, state);
  state.slices =
      list(root.at("slices"), [&](const JsonReader& one) { return slice(one, version); });
  for (const Slice& one : state.slices) {
    for (const int server : one.servers) {
      if (server < 0 || server >= given.servers) {
        throw Error(root.at("slices").place(), fmt::format("has no server {}", server));
      }
      state.owner[server] = one.tenant;
    }
  }
  const std::vector<std::uint64_t> counters = list(root.at("counters"), natural);
  expect_size(root.at("counters"), 8);
  state.counters = {counters[0], counters[1], counters[2], counters[3],
                    counters[4], counters[5], counters[6], counters[7]};
  check_state(state, input);
  return state;
}

}  // namespace mixnet
