// What must hold of a regional controller's decisions at every step, and when it is at rest: the
// laws of region_state.h, said once more, from outside. For the model test, which makes the worlds.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "region/region_clock.h"
#include "region/region_controller.h"
#include "region/region_topology.h"
#include "region/test_region_plant.h"

namespace mixnet {

inline void must(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// Groups of servers that edges join.
class Groups {
 public:
  explicit Groups(int n) : parent_(static_cast<std::size_t>(n)) {
    for (int i = 0; i < n; ++i) parent_[i] = i;
  }
  int find(int x) { return parent_[x] == x ? x : parent_[x] = find(parent_[x]); }
  void join(int x, int y) { parent_[find(x)] = find(y); }

 private:
  std::vector<int> parent_;
};

class RegionLaws {
 public:
  /// `state`: of the controller that is watched, wherever that is.
  explicit RegionLaws(const RegionConfig& config) : config_(config) {
    credit_ = kFull = Wide{config.moves_per_minute} * RegionConfig::kMinute.ns;
  }

  /// What has come about, so that a check of nothing is seen.
  struct Seen {
    std::int64_t commands = 0, capped = 0;
    std::int64_t pins_at_rest = 0, drained_at_rest = 0, foreign_at_rest = 0;

    void operator+=(const Seen& other) {
      commands += other.commands;
      capped += other.capped;
      pins_at_rest += other.pins_at_rest;
      drained_at_rest += other.drained_at_rest;
      foreign_at_rest += other.foreign_at_rest;
    }
  };
  const Seen& seen() const { return seen_; }

  /// The decisions of one event, and the state after it.
  void check(const RegionState& state, const std::vector<Decision>& decisions) {
    state_ = &state;
    fill_bucket();
    for (const Decision& decision : decisions) {
      std::visit([this](const auto& one) { of(one); }, decision);
    }
    watch_phases();
    for (const Slice& slice : state.slices) {
      const bool settled = slice.step == Step::kSettled;
      must(settled || slice.deadline > state.elapsed,
           "a deadline has passed and nothing has happened");
      must(!settled || slice.next_phase.sequence != 0 || slice.served == slice.phase,
           "a settled slice has not served its demand");
      must(!settled || slice.waiting == 0 || state.token_at() > state.elapsed,
           "moves wait though there are tokens");
      must(!settled || slice.waiting == 0 || state.elapsed + due_in(state) <= state.token_at(),
           "nobody is called when there is a token");
      if (slice.tenant == 0) continue;
      must(topology_of(state, slice) == slice.announced, "an announcement is out of date");
    }
  }

  /// With all reports in and no faults: what should come about has.
  void check_rest(const RegionState& state, const Plant& plant) {
    state_ = &state;
    check_state(state, "rest");
    check_light(plant);
    for (const Slice& slice : state.slices) {
      must(!slice.leaving, "at rest, a tenant is still leaving");
      must(!slice.replan && slice.next_phase.sequence == 0, "at rest, there is something to plan");
      std::vector<PortPair> lit;
      for (int p = 0; p < config_.ports(); ++p) {
        const int q = plant.table[p];
        if (state.owner_of(p) != slice.tenant || q <= p || forbids(p) || forbids(q)) continue;
        if (!state.is_inert(p, q)) lit.push_back({p, q});
      }
      must(lit == slice.target, "at rest, the target is not lit");
      if (slice.tenant == 0) continue;
      must(slice.announced.circuits.size() == lit.size(), "at rest, a circuit is not announced");
      must(slice.served == slice.phase, "at rest, the demand is not served");
      check_joined(slice, plant);
    }
  }

 private:
  __extension__ using Wide = __int128;

  bool forbids(int port) const { return std::ranges::count(config_.forbidden, port) > 0; }
  /// A pin that is to be lit, as far as operators and reports say.
  bool is_active(const PortPair& pin) const {
    return state_->owner_of(pin.a) == state_->owner_of(pin.b) && state_->usable(pin.a) &&
           state_->usable(pin.b);
  }

  void fill_bucket() {
    const Wide passed = (state_->elapsed - filled_at_).ns;
    filled_at_ = state_->elapsed;
    credit_ = std::min(kFull, credit_ + passed * config_.moves_per_minute);
  }

  void of(const DeviceCommand& command) {
    ++seen_.commands;
    check_id(command.id);
    must(!state_->held, "commands while held");
    must(command.time_out > Duration::zero(), "a command has no time");
    const Slice* slice = state_->find(command.tenant);
    must(slice != nullptr, "a command is for nobody");
    must(slice->waiting == 0 || slice->served == slice->phase, "a phase waits for the cap");
    must(slice->awaited == command.id && slice->step == Step::kSwitching,
         "a command is not awaited");
    if (config_.moves_per_minute > 0) {
      credit_ -= Wide{static_cast<std::int64_t>(command.connect.size())} * RegionConfig::kMinute.ns;
      must(credit_ >= 0, "connects more than the cap allows");
    }
    std::set<int> off;
    for (const PortPair& pair : command.disconnect) {
      must(off.insert(pair.a).second && off.insert(pair.b).second, "disconnects a port twice");
      check_disconnect(*slice, pair);
    }
    std::set<int> on;
    for (const PortPair& pair : command.connect) {
      const bool pin = state_->is_pin(pair.a, pair.b);
      must(pin || (!slice->leaving && slice->tenant != 0), "connects ports of nobody");
      for (const int port : {pair.a, pair.b}) {
        must(on.insert(port).second, "connects a port twice");
        must(!forbids(port), "connects a forbidden port");
        must(pin || state_->pinned_to(port) < 0, "gives a pin's port away");
        must(state_->usable(port), "connects a failed port");
        must(state_->owner_of(port) == slice->tenant, "crosses a slice");
        must(state_->lit[port] < 0 || off.contains(port), "connects a port that is lit");
      }
      must(config_.server_of(pair.a) != config_.server_of(pair.b), "joins a server to itself");
    }
    for (const PortPair& pair : command.disconnect) {
      const bool works = state_->usable(pair.a) && state_->usable(pair.b) &&
                         state_->owner_of(pair.a) == state_->owner_of(pair.b);
      must(slice->waiting == 0 || slice->tenant == 0 || slice->leaving || !works ||
               on.contains(pair.a) || on.contains(pair.b) || !needed(*slice, pair),
           "takes down a circuit for one that waits for the cap");
    }
    for (const Circuit& c : announced_[slice->tenant].circuits) {
      for (const int port : ports_of(c)) {
        must(!off.contains(port) && !on.contains(port), "moves a port that is announced");
      }
    }
  }

  /// Whether the target has another circuit on a port of it.
  static bool needed(const Slice& slice, const PortPair& pair) {
    return std::ranges::any_of(slice.target, [&](const PortPair& wanted) {
      return wanted != pair &&
             (wanted.a == pair.a || wanted.a == pair.b || wanted.b == pair.a || wanted.b == pair.b);
    });
  }

  void check_disconnect(const Slice& slice, const PortPair& pair) {
    const auto is_ours = [&](int port) { return state_->owner_of(port) == slice.tenant; };
    must(!forbids(pair.a) && !forbids(pair.b), "disconnects a forbidden port");
    must(is_ours(pair.a) || is_ours(pair.b), "disconnects ports of others");
    must(!state_->is_pin(pair.a, pair.b) || !is_active(pair), "moves a pin");
    must(!state_->is_inert(pair.a, pair.b), "moves a pin between two slices");
    const bool drains = state_->drains(pair.a) || state_->drains(pair.b);
    const auto said = said_at_.find(pair);
    must(!drains || said == said_at_.end() || !is_whole(pair) ||
             state_->elapsed - said->second >= config_.drain,
         "senders had no time to leave a drained server's circuit");
    const bool cut_off = std::ranges::any_of(slice.servers, [&](int server) {
      return state_->live(server) && !state_->has_eps(server);
    });
    const bool wished = state_->pinned_to(pair.a) >= 0 || state_->pinned_to(pair.b) >= 0;
    must(slice.running == 0 || cut_off || slice.rewire == Rewire::kDuring || wished ||
             !in_use_[slice.tenant].contains(pair) || !state_->usable(pair.a) ||
             !state_->usable(pair.b),
         "moves a working circuit of a running phase");
  }
  /// Nothing has failed of it, as far as reports say.
  bool is_whole(const PortPair& pair) const {
    return std::ranges::all_of(std::array{pair.a, pair.b}, [&](int port) {
      return !state_->port_health[port].failed && !state_->optical_health[port].failed &&
             !state_->suspect(port) && state_->live(config_.server_of(port));
    });
  }

  void of(const ReadState& read) { check_id(read.id); }

  void check_id(std::uint64_t id) {
    must(id > last_id_, "an id does not grow");
    last_id_ = id;
  }

  std::array<int, 2> ports_of(const Circuit& c) const {
    return {c.server_a * config_.optical_nics + c.nic_a,
            c.server_b * config_.optical_nics + c.nic_b};
  }

  void of(const TopologyAnnouncement& said) {
    must(said.epoch > announced_[said.tenant].epoch, "an epoch does not grow");
    announced_[said.tenant] = said;
    const Slice* slice = state_->find(said.tenant);
    for (int p = 0; p < config_.ports() && said.epoch == 1; ++p) {
      const int q = state_->lit[p];
      must(state_->owner_of(p) != said.tenant || q < 0 || forbids(q) ||
               state_->owner_of(q) == said.tenant,
           "a tenant begins with light to others");
    }
    if (slice == nullptr) {
      return must(said.closed && said.circuits.empty(), "announces for nobody");
    }
    std::set<int> seen;
    std::set<PortPair> joined;
    Groups groups(config_.servers);
    for (const Circuit& c : said.circuits) {
      const auto [p, q] = ports_of(c);
      must(seen.insert(p).second && seen.insert(q).second, "announces a port twice");
      must(state_->usable(p) && state_->usable(q), "announces a failed port");
      must(!forbids(p) && !forbids(q), "announces a forbidden port");
      must(state_->owner_of(p) == said.tenant && state_->owner_of(q) == said.tenant,
           "announces a circuit across slices");
      must(state_->lit[p] == q && state_->lit[q] == p, "announces a dark circuit");
      joined.insert({c.server_a, c.server_b});
      groups.join(c.server_a, c.server_b);
    }
    if (said.closed) return must(said.circuits.empty(), "a closed tenant has circuits");
    check_ways(*slice, said, joined, groups);
  }

  /// Every pair of live servers has its way, unless what is lit does not join them.
  void check_ways(const Slice& slice, const TopologyAnnouncement& said,
                  const std::set<PortPair>& joined, Groups& groups) {
    const auto direct = [&](int a, int b) {
      return joined.contains({std::min(a, b), std::max(a, b)}) ||
             (state_->has_eps(a) && state_->has_eps(b));
    };
    std::map<PortPair, const Relay*> relays;
    for (const Relay& relay : said.relays) {
      const PortPair pair{std::min(relay.from, relay.to), std::max(relay.from, relay.to)};
      must(relays.emplace(pair, &relay).second, "two relays for a pair");
      int at = relay.from;
      for (const int next : relay.via) {
        must(state_->live(next) && direct(at, next), "a relay's hop has no link");
        at = next;
      }
      must(!relay.via.empty() && direct(at, relay.to), "a relay does not arrive");
    }
    const std::set<PortPair> cut(said.cut.begin(), said.cut.end());
    for (const int a : slice.servers) {
      for (const int b : slice.servers) {
        if (a < b && state_->has_eps(a) && state_->has_eps(b) && state_->live(a) &&
            state_->live(b)) {
          groups.join(a, b);
        }
      }
    }
    for (const int a : slice.servers) {
      for (const int b : slice.servers) {
        if (a >= b || !state_->live(a) || !state_->live(b)) continue;
        const int ways = (direct(a, b) ? 1 : 0) + (relays.contains({a, b}) ? 1 : 0) +
                         (cut.contains({a, b}) ? 1 : 0);
        must(ways == 1, "a pair has no way, or two");
        must(cut.contains({a, b}) == (groups.find(a) != groups.find(b)),
             "a pair is cut for nothing");
      }
    }
  }

  void of(const TenantGone& gone) {
    must(state_->find(gone.tenant) == nullptr, "a tenant is gone and here");
    announced_.erase(gone.tenant);
  }

  void of(const Alarm& alarm) {
    must(!to_string(alarm.code).empty(), "a nameless alarm");
    seen_.capped += alarm.code == AlarmCode::kMovesCapped ? 1 : 0;
  }

  void watch_phases() {
    for (const Slice& slice : state_->slices) {
      auto& in_use = in_use_[slice.tenant];
      if (slice.running == 0 || slice.running != running_[slice.tenant]) in_use.clear();
      running_[slice.tenant] = slice.running;
      for (const Circuit& c : slice.announced.circuits) {
        const auto [p, q] = ports_of(c);
        said_at_[{p, q}] = state_->elapsed;
        if (slice.running != 0) in_use.insert({p, q});
      }
    }
  }

  /// What is lit is what is believed; pins are, drained servers are not.
  void check_light(const Plant& plant) {
    for (int p = 0; p < config_.ports(); ++p) {
      const int q = plant.table[p];
      must(state_->lit[p] == (forbids(p) ? -1 : q), "at rest, the device is not lit as believed");
      must(!state_->drains(p) || q < 0 || forbids(p) || forbids(q),
           "at rest, a drained server is lit");
      seen_.drained_at_rest += state_->drains(p) ? 1 : 0;
      seen_.foreign_at_rest += q >= 0 && forbids(q) ? 1 : 0;
    }
    const auto is_held = [&](int port) {
      return plant.table[port] >= 0 && forbids(plant.table[port]);
    };
    for (const PortPair& pin : state_->pins) {
      const bool active = state_->owner_of(pin.a) == state_->owner_of(pin.b) &&
                          plant.works(config_, pin.a) && plant.works(config_, pin.b) &&
                          !state_->drains(pin.a) && !state_->drains(pin.b) && !is_held(pin.a) &&
                          !is_held(pin.b);
      must(!active || plant.table[pin.a] == pin.b, "at rest, a pin is dark");
      seen_.pins_at_rest += active ? 1 : 0;
    }
  }

  /// Whoever can be joined is: see circuit_planner.h for when that is.
  void check_joined(const Slice& slice, const Plant& plant) const {
    Groups groups(config_.servers);
    int gateway = -1;
    for (const int server : slice.servers) {
      if (plant.failed[3][server] || !state_->has_eps(server)) continue;
      if (gateway >= 0) groups.join(gateway, server);
      gateway = server;
    }
    for (const PortPair& pin : state_->pins) {
      if (state_->owner_of(pin.a) == slice.tenant && plant.table[pin.a] == pin.b &&
          is_active(pin)) {
        groups.join(config_.server_of(pin.a), config_.server_of(pin.b));
      }
    }
    std::map<int, int> open;  // by group: ports that may be used
    for (const int server : slice.servers) {
      if (plant.failed[3][server]) continue;
      int& ports = open[groups.find(server)];
      for (int p = server * config_.optical_nics; p < (server + 1) * config_.optical_nics; ++p) {
        const bool held =
            plant.table[p] >= 0 && (forbids(plant.table[p]) || state_->is_inert(p, plant.table[p]));
        const bool free = plant.works(config_, p) && !forbids(p) && !state_->drains(p) &&
                          state_->pinned_to(p) < 0 && !held;
        ports += free ? 1 : 0;
      }
    }
    int sum = 0;
    bool each = true;
    for (const auto& [group, ports] : open) {
      sum += ports;
      each = each && ports > 0;
    }
    const int size = static_cast<int>(open.size());
    const bool possible = size < 2 || (each && sum >= 2 * (size - 1));
    must(slice.announced.cut.empty() || !possible, "servers are cut that could be joined");
  }

  const RegionConfig config_;
  const RegionState* state_ = nullptr;
  Seen seen_;
  std::uint64_t last_id_ = 0;
  // The bucket of the cap, in circuits times the nanoseconds of a minute.
  Wide kFull = 0;
  Wide credit_ = 0;
  Duration filled_at_;
  // What jobs were told.
  std::map<int, std::uint64_t> running_;
  std::map<int, TopologyAnnouncement> announced_;
  std::map<int, std::set<PortPair>> in_use_;
  std::map<PortPair, Duration> said_at_;  // announced last
};

}  // namespace mixnet
