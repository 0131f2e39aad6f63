// The invariants of a region's state, one by one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "region/region_clock.h"
#include "region/region_state.h"

namespace mixnet {
namespace {

constexpr int kMaxCount = 1'000'000;

class Checker {
 public:
  Checker(const RegionState& state, std::string_view input) : state_(state), input_(input) {}

  void config() {
    const RegionConfig& c = state_.config;
    require(c.servers >= 1 && c.servers <= RegionConfig::kMaxServers, "config.servers",
            "is out of range", "give 1 to 4096");
    require(c.optical_nics >= 1 && c.optical_nics <= RegionConfig::kMaxNics, "config.optical_nics",
            "is out of range", "give 1 to 64");
    require(c.eps_nics >= 0 && c.eps_nics <= RegionConfig::kMaxNics, "config.eps_nics",
            "is out of range", "give 0 to 64");
    require(c.numa_of_nic.size() == static_cast<std::size_t>(c.optical_nics), "config.numa_of_nic",
            "has the wrong length", "give one NUMA node for each optical NIC");
    for (const int node : c.numa_of_nic) {
      require(node >= 0 && node <= kMaxCount, "config.numa_of_nic", "has a bad node", "");
    }
    require(c.attempts >= 1 && c.attempts <= 1000, "config.attempts", "is out of range",
            "give 1 to 1000");
    require(c.allocator != AllocatorKind::kExact, "config.allocator",
            "is 'exact', whose time has no bound", "give greedy or refined");
    require(c.nic_rate > Bandwidth{}, "config.nic_rate", "is zero", "give one such as 400Gbps");
    require(c.budget >= 0 && c.budget <= 1'000'000'000, "config.budget", "is out of range",
            "give 0 to 1e9");
    require(std::isfinite(c.tolerance) && c.tolerance >= 0 && c.tolerance <= 100,
            "config.tolerance", "is out of range", "give 0 to 100");
    require(std::ranges::is_sorted(c.forbidden) &&
                std::ranges::adjacent_find(c.forbidden) == c.forbidden.end(),
            "config.forbidden", "is not sorted, or names a port twice", "");
    require(c.forbidden.empty() || (c.forbidden.front() >= 0 && c.forbidden.back() < c.ports()),
            "config.forbidden", "names a port that does not exist", "");
    require(c.moves_per_minute >= 0 && c.moves_per_minute <= RegionConfig::kMostMovesPerMinute,
            "config.moves_per_minute", "is out of range", "give 0 (no cap) to 1000000");
    duration(c.switch_delay, "config.switch_delay", Duration::zero());
    duration(c.drain, "config.drain", Duration::zero());
    duration(c.command_timeout, "config.command_timeout", Duration::nanoseconds(1));
    duration(c.read_timeout, "config.read_timeout", Duration::nanoseconds(1));
    duration(c.phase_limit, "config.phase_limit", Duration::nanoseconds(1));
    duration(c.audit_period, "config.audit_period", Duration::nanoseconds(1));
    duration(c.suspect_hold, "config.suspect_hold", Duration::nanoseconds(1));
  }

  void region() {
    const RegionConfig& c = state_.config;
    const auto ports = static_cast<std::size_t>(c.ports());
    const auto servers = static_cast<std::size_t>(c.servers);
    const auto sized = [&](std::size_t size, std::size_t wanted, std::string_view place) {
      require(size == wanted, place, "has the wrong length", "");
    };
    sized(state_.lit.size(), ports, "lit");
    sized(state_.port_health.size(), ports, "port_health");
    sized(state_.optical_health.size(), ports, "optical_health");
    sized(state_.eps_health.size(), servers * static_cast<std::size_t>(c.eps_nics), "eps_health");
    sized(state_.server_health.size(), servers, "server_health");
    sized(state_.suspicion.size(), ports, "suspicion");
    sized(state_.owner.size(), servers, "owner");
    sized(state_.drained.size(), servers, "drained");
    require(state_.elapsed >= Duration::zero() && state_.elapsed <= kMostElapsed, "elapsed",
            "is out of range", "");
    moment(state_.next_audit, "next_audit");
    moment(state_.bucket_full, "bucket_full");
    pins();
    id(state_.last_id, kMostSequence, "last_id");
    for (std::size_t p = 0; p < ports; ++p) {
      const int peer = state_.lit[p];
      require(peer >= -1 && peer < c.ports() && peer != static_cast<int>(p), "lit",
              fmt::format("has no port {} for port {} to join", peer, p), "");
      require(peer < 0 || !c.forbids(static_cast<int>(p)), "lit",
              fmt::format("has port {}, which is forbidden", p), "");
      moment(state_.suspicion[p].until, "suspicion");
      count(state_.suspicion[p].strikes, "suspicion");
    }
    const Counters& n = state_.counters;
    for (const std::uint64_t value :
         {n.commands, n.answered, n.timed_out, n.reads, n.reads_answered, n.reads_timed_out,
          n.dropped, n.contradictions}) {
      id(value, kMostSequence, "counters");
    }
    std::uint64_t commands = 0;
    std::uint64_t reads = 0;
    for (const Slice& slice : state_.slices) {
      commands += slice.step == Step::kSwitching ? 1 : 0;
      reads += slice.step == Step::kReading ? 1 : 0;
    }
    require(n.commands == n.answered + n.timed_out + commands, "counters",
            "do not account for every command", "");
    require(n.reads == n.reads_answered + n.reads_timed_out + reads, "counters",
            "do not account for every read", "");
  }

  void slices() {
    require(!state_.slices.empty() && state_.slices[0].tenant == 0, "slices", "have no pool first",
            "");
    std::size_t owned = 0;
    for (std::size_t i = 0; i < state_.slices.size(); ++i) {
      const Slice& slice = state_.slices[i];
      place_ = fmt::format("slices[{}].", i);
      require(i == 0 || slice.tenant > state_.slices[i - 1].tenant, "tenant",
              "is not above the one before", "");
      require(i == 0 || !slice.servers.empty(), "servers", "are none", "");
      std::vector<int> sorted = slice.servers;
      std::ranges::sort(sorted);
      require(std::ranges::adjacent_find(sorted) == sorted.end(), "servers", "name one twice", "");
      for (const int server : sorted) {
        require(server >= 0 && server < state_.config.servers, "servers", "name none of the region",
                "");
        require(state_.owner[server] == slice.tenant, "servers", "name one of another owner", "");
      }
      owned += sorted.size();
      progress(slice);
      job(slice);
    }
    place_.clear();
    require(owned == static_cast<std::size_t>(state_.config.servers), "slices",
            "do not hold every server once", "");
    for (int p = 0; p < state_.config.ports(); ++p) {
      const int peer = state_.lit[p];
      require(peer < 0 || state_.owner_of(p) != state_.owner_of(peer) || state_.lit[peer] == p ||
                  state_.config.forbids(peer),
              "lit", fmt::format("joins port {} one way only", p), "");
    }
  }

 private:
  void pins() {
    std::vector<int> seen;
    for (const PortPair& pin : state_.pins) {
      require(pin.a >= 0 && pin.a < pin.b && pin.b < state_.config.ports(), "pins",
              fmt::format("have no ports {}-{}", pin.a, pin.b), "");
      require(!state_.config.forbids(pin.a) && !state_.config.forbids(pin.b), "pins",
              fmt::format("name a forbidden port with {}-{}", pin.a, pin.b), "");
      require(state_.config.server_of(pin.a) != state_.config.server_of(pin.b), "pins",
              "join a server to itself", "");
      seen.insert(seen.end(), {pin.a, pin.b});
    }
    require(std::ranges::is_sorted(state_.pins), "pins", "are not sorted", "");
    std::ranges::sort(seen);
    require(std::ranges::adjacent_find(seen) == seen.end(), "pins", "name a port twice", "");
  }

  void progress(const Slice& slice) {
    const bool idle = slice.step == Step::kSettled || slice.step == Step::kDraining;
    require((slice.awaited == 0) == idle, "awaited", "does not fit the step", "");
    require(slice.awaited == 0 || slice.awaited == slice.last_id, "awaited", "is not the latest id",
            "");
    id(slice.last_id, state_.last_id, "last_id");
    id(slice.overdue, slice.last_id, "overdue");
    moment(slice.deadline, "deadline");
    count(slice.moves, "moves");
    count(slice.attempts, "attempts");
    count(slice.batch_limit, "batch_limit");
    count(slice.waiting, "waiting");
    moment(slice.clear_at, "clear_at");
    count(slice.read_failures, "read_failures");
    const bool moving = !slice.connect.empty() || !slice.disconnect.empty();
    require(moving || (slice.step != Step::kDraining && slice.step != Step::kSwitching), "connect",
            "and disconnect hold nothing to do", "");
    require(!moving || slice.step != Step::kSettled, "connect", "holds moves of a settled slice",
            "");
    require((slice.moves > 0) == moving, "moves", "does not fit the lists", "");
    pairs(slice, slice.disconnect, "disconnect", false);
    pairs(slice, slice.connect, "connect", true);
    pairs(slice, slice.target, "target", true);
    require(std::ranges::is_sorted(slice.target), "target", "is not sorted", "");
    const bool pins_only = std::ranges::all_of(
        slice.target, [&](const PortPair& pair) { return state_.is_pin(pair.a, pair.b); });
    require((slice.tenant != 0 && !slice.leaving) || pins_only || slice.replan || state_.held,
            "target", "lights ports of nobody", "");
    require(!state_.held || slice.step != Step::kDraining, "step", "begins a move while held", "");
    require(!slice.leaving || slice.tenant != 0, "leaving", "is said of the pool", "");
  }

  void job(const Slice& slice) {
    phase(slice.phase, "phase");
    phase(slice.next_phase, "next_phase");
    phase(slice.served, "served");
    matrix(slice, slice.demand, slice.phase, "demand");
    matrix(slice, slice.next_demand, slice.next_phase, "next_demand");
    const bool comes_true =
        slice.next_phase == slice.phase && slice.outlook.expected && !slice.next_outlook.expected;
    require(slice.next_phase.sequence == 0 || slice.next_phase.sequence > slice.phase.sequence ||
                comes_true,
            "next_phase", "is not after phase", "");
    for (const PhaseOutlook& outlook : {slice.outlook, slice.next_outlook}) {
      require(std::min({outlook.before, outlook.after, outlook.inside}) >= Duration::zero(),
              "outlook", "is negative", "");
    }
    id(slice.running, kMostSequence, "running");
    id(slice.ended, kMostSequence, "ended");
    require(slice.running == 0 || slice.running > slice.ended, "running", "has ended", "");
    moment(slice.running_until, "running_until");
    const TopologyAnnouncement& said = slice.announced;
    require(said.tenant == slice.tenant, "announced", "is for another tenant", "");
    id(said.epoch, kMostSequence, "announced.epoch");
    phase(said.served, "announced.served");
    const auto of_slice = [&](int server) {
      require(server >= 0 && server < state_.config.servers && state_.owner[server] == slice.tenant,
              "announced", "names a server of another owner", "");
    };
    for (const Circuit& c : said.circuits) {
      of_slice(c.server_a);
      of_slice(c.server_b);
      require(c.server_a < c.server_b && c.nic_a >= 0 && c.nic_b >= 0 &&
                  c.nic_a < state_.config.optical_nics && c.nic_b < state_.config.optical_nics,
              "announced", "has a bad circuit", "");
    }
    for (const Relay& relay : said.relays) {
      of_slice(relay.from);
      of_slice(relay.to);
      for (const int server : relay.via) of_slice(server);
    }
    for (const PortPair& pair : said.cut) {
      of_slice(pair.a);
      of_slice(pair.b);
    }
  }

  void pairs(const Slice& slice, const std::vector<PortPair>& list, std::string_view where,
             bool inside) {
    std::vector<int> seen;
    for (const PortPair& pair : list) {
      require(pair.a >= 0 && pair.a < pair.b && pair.b < state_.config.ports(), where,
              fmt::format("has no ports {}-{}", pair.a, pair.b), "");
      const int mine = (state_.owner_of(pair.a) == slice.tenant ? 1 : 0) +
                       (state_.owner_of(pair.b) == slice.tenant ? 1 : 0);
      require(mine == 2 || (!inside && mine == 1), where,
              fmt::format("crosses the slice with {}-{}", pair.a, pair.b), "");
      require(!state_.config.forbids(pair.a) && !state_.config.forbids(pair.b), where,
              fmt::format("names a forbidden port with {}-{}", pair.a, pair.b), "");
      require(!inside || state_.config.server_of(pair.a) != state_.config.server_of(pair.b), where,
              "joins a server to itself", "");
      seen.push_back(pair.a);
      seen.push_back(pair.b);
    }
    std::ranges::sort(seen);
    require(std::ranges::adjacent_find(seen) == seen.end(), where, "names a port twice", "");
  }

  void matrix(const Slice& slice, const ServerDemand& demand, const PhaseId& of,
              std::string_view where) {
    const std::size_t n = of.sequence == 0 ? 0 : slice.servers.size();
    require(demand.rows() == n && demand.columns() == n, where, "has the wrong size", "");
    for (const std::int64_t bytes : demand.cells()) {
      require(bytes >= 0 && bytes <= kMostCellBytes, where, "has a cell out of range", "");
    }
  }

  void phase(const PhaseId& value, std::string_view where) {
    id(value.sequence, kMostSequence, where);
  }
  void id(std::uint64_t value, std::uint64_t most, std::string_view where) {
    require(value <= most, where, fmt::format("{} is over {}", value, most), "");
  }
  void count(int value, std::string_view where) {
    require(value >= 0 && value <= kMaxCount, where, fmt::format("{} is out of range", value), "");
  }
  void moment(Duration value, std::string_view where) {
    require(value >= Duration::zero() && value <= kMostElapsed + kLongestHold, where,
            "is out of range", "");
  }
  void duration(Duration value, std::string_view where, Duration least) {
    require(value >= least && value <= RegionConfig::kLongestSpan, where, "is out of range",
            "give a time above zero, up to 100000 s");
  }
  void require(bool holds, std::string_view where, std::string_view problem,
               std::string_view remedy) {
    if (holds) return;
    throw Error(fmt::format("{} ({}{})", input_, place_, where), problem, remedy);
  }

  const RegionState& state_;
  std::string_view input_;
  std::string place_;
};

}  // namespace

void check_config(const RegionConfig& config) {
  RegionState state;
  state.config = config;
  Checker(state, "region").config();
}

void check_state(const RegionState& state, std::string_view input) {
  Checker checker(state, input);
  checker.config();
  checker.region();
  checker.slices();
}

}  // namespace mixnet
