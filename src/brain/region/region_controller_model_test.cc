// A model check of the regional controller: seeded random worlds with a simulated optical switch,
// jobs, and everything that can go wrong between them, held to the invariants of region_state.h at
// every step. From time to time the faults stop, and what should then come about has to.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"
#include "region/region_topology.h"

namespace mixnet {
namespace {

void must(bool holds, const char* what) {
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

/// How the simulated switch deals with a command of which one pair is impossible.
enum class Refusal { kWhole, kStops, kSkips };

constexpr Instant kStart = Instant::unix_seconds(1'795'766'400);

class World {
 public:
  World(std::uint64_t seed, bool in_order) : random_(seed), in_order_(in_order) {
    config_.servers = 2 + draw(9);
    tenants_ = 1 + draw(3);
    config_.optical_nics = 1 + draw(4);
    config_.eps_nics = draw(3);
    config_.numa_of_nic.resize(static_cast<std::size_t>(config_.optical_nics));
    for (int& node : config_.numa_of_nic) node = draw(2);
    config_.allocator = draw(3) == 0 ? AllocatorKind::kRefined : AllocatorKind::kGreedy;
    config_.budget = 300;
    config_.policy = static_cast<Reconfiguration>(draw(6));
    config_.switch_delay = Duration::milliseconds(draw(30));
    config_.drain = draw(2) == 0 ? Duration::zero() : Duration::milliseconds(2);
    config_.attempts = 1 + draw(3);
    controller_.emplace(config_);
    table_.assign(static_cast<std::size_t>(config_.ports()), -1);
    stuck_.assign(table_.size(), false);
    sizes_[0] = sizes_[1] = config_.ports();
    sizes_[2] = config_.servers * config_.eps_nics;
    sizes_[3] = config_.servers;
    for (int part = 0; part < 4; ++part) failed_[part].assign(sizes_[part], false);
    refusal_ = static_cast<Refusal>(draw(3));
    names_port_ = draw(2) == 0;
    reports_lit_ = draw(3) == 0;
    health_rate_ = 1 + draw(13);
  }

  std::int64_t steps() const { return steps_; }
  std::int64_t commands() const { return commands_; }
  std::int64_t quiet_checks() const { return quiet_checks_; }
  const RegionState& state() const { return controller_->state(); }

  void run(std::int64_t steps) {
    const std::int64_t until = steps_ + steps;
    std::int64_t next_quiet = steps_ + 500 + draw(1500);
    while (steps_ < until) {
      disturb();
      if (steps_ >= next_quiet) {
        settle();
        next_quiet = steps_ + 500 + draw(1500);
      }
    }
    settle();
  }

 private:
  struct Request {
    Time at;
    bool is_read = false;
    std::uint64_t id = 0;
    DeviceCommand command;
  };

  int draw(int below) {
    return below <= 0 ? 0 : static_cast<int>(random_.below(static_cast<std::uint64_t>(below)));
  }
  bool chance(int percent) { return faults_ && draw(100) < percent; }
  Time delay(int milliseconds) { return Time::microseconds(1 + draw(milliseconds * 1000)); }

  // One random thing happens.
  void disturb() {
    const int what = draw(100);
    if (what < 56) {
      pass_time();
    } else if (what < 70) {
      send_demand();
    } else if (what < 77) {
      mark_phase();
    } else if (what < 77 + health_rate_) {
      change_health();
    } else if (what < 91) {
      tenants();
    } else if (what < 92) {
      foreign_hand();
    } else if (what < 94) {
      nonsense();
    } else {
      now_ += delay(5);
      device();
      step(Tick{});
    }
  }

  /// To whatever comes next: something of the device, a message that arrives, a deadline.
  void pass_time() {
    Time next = last_step_ + controller_->due_in().to_time();
    if (!queue_.empty()) next = std::min(next, queue_.front().at);
    if (!inbox_.empty()) next = std::min(next, inbox_.begin()->first);
    now_ = std::max(now_, next);
    device();
    if (!inbox_.empty() && inbox_.begin()->first <= now_) {
      const Event event = std::move(inbox_.begin()->second);
      inbox_.erase(inbox_.begin());
      step(event);
    } else {
      step(Tick{});
    }
  }

  void send(const Event& event) {
    if (chance(5)) return;
    inbox_.emplace(now_ + delay(20), event);
    if (chance(5)) inbox_.emplace(now_ + delay(800), event);
  }

  void send_demand() {
    const Slice* slice = any_tenant();
    if (slice == nullptr) return step(Tick{});
    std::uint64_t& sequence = sequence_[slice->tenant];
    const int n = static_cast<int>(slice->servers.size());
    DemandReport report{slice->tenant, {}, ServerDemand(n, n)};
    for (std::int64_t& cell : report.bytes.cells())
      cell = draw(3) == 0 ? 0 : std::int64_t{1} << draw(30);
    report.phase = {++sequence, static_cast<std::int64_t>(sequence / 8), draw(8), draw(2) == 0};
    report.outlook = {Duration::of(delay(30)), Duration::of(delay(200)), Duration::of(delay(3)),
                      chance(20)};
    if (chance(5)) report.phase.sequence -= std::min<std::uint64_t>(sequence - 1, draw(4));
    if (chance(2)) report.bytes = ServerDemand(n + 1, n);
    if (chance(1)) report.bytes(0, 0) = -1;
    send(report);
  }

  void mark_phase() {
    const Slice* slice = any_tenant();
    if (slice == nullptr) return step(Tick{});
    const std::uint64_t sequence = sequence_[slice->tenant];
    const auto back = static_cast<std::uint64_t>(chance(20) ? draw(3) : 0);
    PhaseMark mark{slice->tenant, sequence > back ? sequence - back : 1, draw(2) == 0};
    if (chance(70) && slice->running != 0) mark = {slice->tenant, slice->running, false};
    send(mark);
  }

  void change_health() {
    const int part = draw(4);
    if (sizes_[part] == 0) return step(Tick{});
    const int index = draw(sizes_[part]);
    // Healing is likelier than failing, so that the region does not die out.
    const bool fails = !failed_[part][index] && draw(8) == 0;
    failed_[part][index] = fails;
    report_health(part, index);
    step(Tick{});
  }

  void report_health(int part, int index) {
    const std::uint64_t stamp = chance(5) ? 0 : ++stamp_;
    send(HealthReport{static_cast<Part>(part), index, failed_[part][index], stamp});
    if (part == 0) stuck_[index] = chance(20);
  }

  void tenants() {
    const int tenant = 1 + draw(tenants_);
    if (draw(12) == 0) return send(TenantRemove{tenant}), step(Tick{});
    TenantAdd add{tenant, {}};
    for (int server = 0; server < config_.servers; ++server) {
      const bool free = state().owner[server] == 0;
      if ((free && draw(tenants_ + 1) == 0) || (!free && chance(1))) add.servers.push_back(server);
    }
    if (!add.servers.empty() && draw(2) == 0) std::ranges::reverse(add.servers);
    if (chance(2)) add.servers.push_back(draw(config_.servers + 2) - 1);
    send(add);
    step(Tick{});
  }

  /// Somebody patches by hand.
  void foreign_hand() {
    if (!faults_) return;
    const int p = draw(config_.ports());
    const int q = draw(config_.ports());
    darken(p);
    if (draw(2) == 0 && p != q) {
      darken(q);
      table_[p] = q;
      table_[q] = p;
    }
    step(Tick{});
  }

  void nonsense() {
    const int tenant = draw(6) - 1;
    switch (draw(7)) {
      case 0:
        return step(DeviceAnswer{random_id(), draw(2) == 0, draw(9) - 1, false, {}});
      case 1:
        return step(DeviceState{draw(2) == 0 ? 0 : random_id() + 100'000'000, random_pairs()});
      case 2:
        return step(HealthReport{static_cast<Part>(draw(4)), 1000 + draw(5), true, 0});
      case 3:
        return step(DemandReport{tenant, {UINT64_MAX, 0, 0, false}, {}});
      case 4:
        return step(PhaseMark{tenant, 0, true});
      case 5:
        return step(TenantAdd{tenant - 1, {0, 0}});
      default:
        return set_clock();
    }
  }
  /// The clock that the controller sees is set: a little, an hour, a day.
  void set_clock() {
    if (faults_) {
      const Duration by[] = {Duration::of(delay(50)), Duration::hours(1), Duration::days(1)};
      const Duration step = by[draw(3)];
      clock_error_ = draw(2) == 0 ? clock_error_ + step : clock_error_ - step;
    }
    step(Tick{});
  }
  Instant clock() const { return kStart + Duration::of(now_) + clock_error_; }
  std::uint64_t random_id() { return random_.below(state().last_id + 2); }
  std::vector<PortPair> random_pairs() {
    std::vector<PortPair> pairs;
    for (int i = draw(4); i > 0; --i) {
      pairs.push_back({draw(config_.ports() + 2) - 1, draw(config_.ports() + 2) - 1});
    }
    return pairs;
  }

  const Slice* any_tenant() {
    const auto& slices = state().slices;
    return slices.size() < 2 ? nullptr : &slices[1 + draw(static_cast<int>(slices.size()) - 1)];
  }

  // The switch.

  void darken(int p) {
    if (table_[p] >= 0) table_[table_[p]] = -1;
    table_[p] = -1;
  }

  void accept(Request request) {
    if (chance(4)) return;  // lost on its way
    Time at = now_ + delay(chance(5) ? 900 : 50);
    // In order, or (a driver that breaks its promise) whenever.
    if (in_order_ && !queue_.empty()) at = std::max(at, queue_.back().at);
    request.at = at;
    const auto place = std::ranges::upper_bound(queue_, at, {}, &Request::at);
    queue_.insert(place, std::move(request));
  }

  void device() {
    while (!queue_.empty() && queue_.front().at <= now_) {
      const Request request = std::move(queue_.front());
      queue_.pop_front();
      if (request.is_read) {
        DeviceState read{request.id, {}};
        for (int p = 0; p < config_.ports(); ++p) {
          if (table_[p] > p) read.lit.push_back({p, table_[p]});
        }
        if (chance(1)) read.lit.push_back({0, 0});  // garbled
        reply(read);
      } else {
        execute(request.command);
      }
    }
  }

  void execute(const DeviceCommand& command) {
    DeviceAnswer answer{command.id, true, -1, false, {}};
    const auto deny = [&](int port) {
      answer.ok = false;
      if (names_port_ && answer.denied_port < 0) answer.denied_port = port;
    };
    const std::vector<int> before = table_;
    bool stopped = false;
    for (const PortPair& pair : command.disconnect) {
      if (stopped || table_[pair.a] != pair.b) continue;
      if (stuck_[pair.a] || stuck_[pair.b]) {
        deny(stuck_[pair.a] ? pair.a : pair.b);
        stopped = refusal_ != Refusal::kSkips;
      } else {
        darken(pair.a);
      }
    }
    for (const PortPair& pair : command.connect) {
      if (stopped) break;
      int bad = -1;
      for (const int port : {pair.a, pair.b}) {
        if (failed_[0][port] || table_[port] >= 0) bad = port;
      }
      if (bad >= 0) {
        deny(failed_[0][bad] ? bad : -1);
        stopped = refusal_ != Refusal::kSkips;
        continue;
      }
      // No slice is ever crossed, not even by a command that the controller has given up on.
      if (in_order_) {
        must(state().owner_of(pair.a) == state().owner_of(pair.b), "the device joins two slices");
        must(state().owner_of(pair.a) != 0, "the device lights a port of nobody");
      }
      table_[pair.a] = pair.b;
      table_[pair.b] = pair.a;
    }
    if (!answer.ok && refusal_ == Refusal::kWhole) table_ = before;
    if (reports_lit_) {
      answer.has_lit = true;
      for (const auto* list : {&command.disconnect, &command.connect}) {
        for (const PortPair& pair : *list) {
          for (const int p : {pair.a, pair.b}) {
            const PortPair lit{std::min(p, table_[p]), std::max(p, table_[p])};
            if (table_[p] >= 0 && std::ranges::find(answer.lit, lit) == answer.lit.end()) {
              answer.lit.push_back(lit);
            }
          }
        }
      }
    }
    reply(answer);
  }

  void reply(const Event& event) {
    if (chance(4)) return;
    inbox_.emplace(now_ + delay(chance(5) ? 900 : 10), event);
    if (chance(5)) inbox_.emplace(now_ + delay(1500), event);
  }

  // A step, and what must hold of it.

  void step(const Event& event) {
    ++steps_;
    last_step_ = now_;
    if (faults_ && steps_ % 400 == 0) {
      twin_.emplace(read_snapshot(write_snapshot(state()), "twin"));
    }
    const std::vector<Decision> decisions = controller_->handle(clock(), event);
    if (twin_) {
      must(twin_->handle(clock(), event) == decisions, "a resumed controller decides otherwise");
      if (steps_ % 400 == 60) {
        must(twin_->state() == state(), "a resumed controller is in another state");
        twin_.reset();
      }
    }
    remember(event);
    for (const Decision& decision : decisions) {
      std::visit([this](const auto& one) { check(one); }, decision);
    }
    watch_phases();
    for (const Slice& slice : state().slices) {
      must(slice.step == Step::kSettled || slice.deadline > state().elapsed,
           "a deadline has passed and nothing has happened");
      if (slice.tenant == 0) continue;
      must(topology_of(state(), slice) == slice.announced, "an announcement is out of date");
    }
    if (steps_ % 4 == 0) check_state(state(), "model");
  }

  /// The latest demand that each tenant was handed in good order.
  void remember(const Event& event) {
    if (const auto* demand = std::get_if<DemandReport>(&event)) {
      const Slice* slice = demand->tenant > 0 ? state().find(demand->tenant) : nullptr;
      if (slice == nullptr || slice->leaving || demand->phase.sequence > 1'000'000'000 ||
          demand->bytes.rows() != slice->servers.size() || demand->bytes(0, 0) < 0 ||
          demand->bytes.rows() != demand->bytes.columns()) {
        return;
      }
      std::uint64_t& latest = accepted_[slice->tenant];
      latest = std::max(latest, demand->phase.sequence);
    }
  }

  void check(const DeviceCommand& command) {
    ++commands_;
    check_id(command.id);
    must(command.time_out > Duration::zero(), "a command has no time");
    const Slice* slice = state().find(command.tenant);
    must(slice != nullptr, "a command is for nobody");
    must(slice->awaited == command.id && slice->step == Step::kSwitching,
         "a command is not awaited");
    std::set<int> off;
    std::set<int> on;
    for (const PortPair& pair : command.disconnect) {
      must(off.insert(pair.a).second && off.insert(pair.b).second, "disconnects a port twice");
      must(state().owner_of(pair.a) == slice->tenant || state().owner_of(pair.b) == slice->tenant,
           "disconnects ports of others");
      const bool cut_off = std::ranges::any_of(slice->servers, [&](int server) {
        return state().live(server) && !state().has_eps(server);
      });
      must(slice->running == 0 || cut_off || slice->rewire == Rewire::kDuring ||
               !in_use_[slice->tenant].contains(pair) || !state().usable(pair.a) ||
               !state().usable(pair.b),
           "moves a working circuit of a running phase");
    }
    for (const PortPair& pair : command.connect) {
      must(!slice->leaving && slice->tenant != 0, "connects ports of nobody");
      for (const int port : {pair.a, pair.b}) {
        must(on.insert(port).second, "connects a port twice");
        must(state().usable(port), "connects a failed port");
        must(state().owner_of(port) == slice->tenant, "crosses a slice");
        must(state().lit[port] < 0 || off.contains(port), "connects a port that is lit");
      }
      must(config_.server_of(pair.a) != config_.server_of(pair.b), "joins a server to itself");
    }
    for (const Circuit& c : announced_[slice->tenant].circuits) {
      for (const int port : ports_of(c)) {
        must(!off.contains(port) && !on.contains(port), "moves a port that is announced");
      }
    }
    accept({now_, false, command.id, command});
  }

  void check(const ReadState& read) {
    check_id(read.id);
    accept({now_, true, read.id, {}});
  }

  void check_id(std::uint64_t id) {
    must(id > last_id_, "an id does not grow");
    last_id_ = id;
  }

  std::array<int, 2> ports_of(const Circuit& c) const {
    return {c.server_a * config_.optical_nics + c.nic_a,
            c.server_b * config_.optical_nics + c.nic_b};
  }

  void check(const TopologyAnnouncement& said) {
    must(said.epoch > announced_[said.tenant].epoch, "an epoch does not grow");
    announced_[said.tenant] = said;
    const Slice* slice = state().find(said.tenant);
    if (slice == nullptr) return must(said.closed && said.circuits.empty(), "announces for nobody");
    std::set<int> seen;
    std::set<PortPair> joined;
    Groups groups(config_.servers);
    for (const Circuit& c : said.circuits) {
      const auto [p, q] = ports_of(c);
      must(seen.insert(p).second && seen.insert(q).second, "announces a port twice");
      must(state().usable(p) && state().usable(q), "announces a failed port");
      must(state().owner_of(p) == said.tenant && state().owner_of(q) == said.tenant,
           "announces a circuit across slices");
      must(state().lit[p] == q && state().lit[q] == p, "announces a dark circuit");
      joined.insert({c.server_a, c.server_b});
      groups.join(c.server_a, c.server_b);
    }
    if (said.closed) return must(said.circuits.empty(), "a closed tenant has circuits");
    // Every pair of live servers has its way, unless what is lit does not join them.
    const auto direct = [&](int a, int b) {
      return joined.contains({std::min(a, b), std::max(a, b)}) ||
             (state().has_eps(a) && state().has_eps(b));
    };
    std::map<PortPair, const Relay*> relays;
    for (const Relay& relay : said.relays) {
      const PortPair pair{std::min(relay.from, relay.to), std::max(relay.from, relay.to)};
      must(relays.emplace(pair, &relay).second, "two relays for a pair");
      int at = relay.from;
      for (const int next : relay.via) {
        must(state().live(next) && direct(at, next), "a relay's hop has no link");
        at = next;
      }
      must(!relay.via.empty() && direct(at, relay.to), "a relay does not arrive");
    }
    const std::set<PortPair> cut(said.cut.begin(), said.cut.end());
    for (const int a : slice->servers) {
      for (const int b : slice->servers) {
        if (a < b && state().has_eps(a) && state().has_eps(b) && state().live(a) &&
            state().live(b)) {
          groups.join(a, b);
        }
      }
    }
    for (const int a : slice->servers) {
      for (const int b : slice->servers) {
        if (a >= b || !state().live(a) || !state().live(b)) continue;
        const int ways = (direct(a, b) ? 1 : 0) + (relays.contains({a, b}) ? 1 : 0) +
                         (cut.contains({a, b}) ? 1 : 0);
        must(ways == 1, "a pair has no way, or two");
        must(cut.contains({a, b}) == (groups.find(a) != groups.find(b)),
             "a pair is cut for nothing");
      }
    }
  }

  void check(const TenantGone& gone) {
    must(state().find(gone.tenant) == nullptr, "a tenant is gone and here");
    announced_.erase(gone.tenant);
    accepted_.erase(gone.tenant);
    sequence_.erase(gone.tenant);
  }

  void check(const Alarm& alarm) { must(!to_string(alarm.code).empty(), "a nameless alarm"); }

  void watch_phases() {
    for (const Slice& slice : state().slices) {
      auto& in_use = in_use_[slice.tenant];
      if (slice.running == 0 || slice.running != running_[slice.tenant]) in_use.clear();
      running_[slice.tenant] = slice.running;
      if (slice.running == 0) continue;
      for (const Circuit& c : slice.announced.circuits) {
        const auto [p, q] = ports_of(c);
        in_use.insert({p, q});
      }
    }
  }

  // The faults stop: everything must come right.

  void settle() {
    faults_ = false;
    stuck_.assign(stuck_.size(), false);
    // What is on its way arrives first: an old denial would make a good port suspect once more.
    for (const Time late = now_ + Time::seconds(5); now_ < late;) pass_time();
    for (int part = 0; part < 4; ++part) {
      for (int i = 0; i < sizes_[part]; ++i) report_health(part, i);
    }
    for (const Slice& slice : state().slices) {
      if (slice.running != 0)
        inbox_.emplace(now_ + delay(50), PhaseMark{slice.tenant, slice.running, false});
    }
    // Late answers, overdue phases and two audits go by.
    const Time until = now_ + (config_.phase_limit + config_.audit_period * 3).to_time();
    int turns = 0;
    while (now_ < until || !at_rest()) {
      must(++turns < 10'000, "it does not come to rest");
      pass_time();
    }
    ++quiet_checks_;
    check_rest();
    faults_ = true;
  }

  bool at_rest() const {
    return queue_.empty() && inbox_.empty() &&
           std::ranges::none_of(state().suspicion,
                                [](const Suspicion& s) { return s.until > Duration::zero(); }) &&
           std::ranges::all_of(state().slices,
                               [](const Slice& slice) { return slice.step == Step::kSettled; });
  }

  void check_rest() {
    check_state(state(), "rest");
    must(state().lit == table_, "at rest, the device is not lit as believed");
    for (const Slice& slice : state().slices) {
      must(!slice.leaving, "at rest, a tenant is still leaving");
      must(!slice.replan && slice.next_phase.sequence == 0, "at rest, there is something to plan");
      std::vector<PortPair> lit;
      for (int p = 0; p < config_.ports(); ++p) {
        if (state().owner_of(p) == slice.tenant && table_[p] > p) lit.push_back({p, table_[p]});
      }
      must(lit == slice.target, "at rest, the target is not lit");
      if (slice.tenant == 0) continue;
      must(slice.announced.circuits.size() == lit.size(), "at rest, a circuit is not announced");
      must(slice.served == slice.phase, "at rest, the demand is not served");
      const auto accepted = accepted_.find(slice.tenant);
      must(accepted == accepted_.end() || slice.phase.sequence == accepted->second,
           "at rest, the latest demand is not the one served");
      check_joined(slice);
    }
  }

  /// Whoever can be joined is: see region_plan.h for when that is.
  void check_joined(const Slice& slice) {
    std::vector<int> open;
    int gateways = -1;
    for (const int server : slice.servers) {
      if (failed_[3][server]) continue;
      int ports = 0;
      bool eps = false;
      for (int k = 0; k < config_.optical_nics; ++k) {
        const int p = server * config_.optical_nics + k;
        ports += failed_[0][p] || failed_[1][p] ? 0 : 1;
      }
      for (int k = 0; k < config_.eps_nics; ++k)
        eps = eps || !failed_[2][server * config_.eps_nics + k];
      if (eps) {
        gateways = std::max(gateways, 0) + ports;
      } else {
        open.push_back(ports);
      }
    }
    if (gateways >= 0) open.push_back(gateways);
    int sum = 0;
    bool each = true;
    for (const int ports : open) {
      sum += ports;
      each = each && ports > 0;
    }
    const bool possible =
        open.size() < 2 || (each && sum >= 2 * (static_cast<int>(open.size()) - 1));
    must(slice.announced.cut.empty() || !possible, "servers are cut that could be joined");
  }

  Random random_;
  bool in_order_;
  bool faults_ = true;
  RegionConfig config_;
  std::optional<RegionController> controller_;
  std::optional<RegionController> twin_;
  Time now_;              // the true time
  Time last_step_;        // when the controller heard last
  Duration clock_error_;  // of the clock that it sees
  std::int64_t steps_ = 0;
  std::int64_t commands_ = 0;
  std::int64_t quiet_checks_ = 0;
  // The switch and the plant, as they really are.
  std::vector<int> table_;
  std::vector<bool> stuck_;
  std::vector<bool> failed_[4];  // by Part
  int sizes_[4] = {};
  Refusal refusal_ = Refusal::kWhole;
  bool names_port_ = false;
  bool reports_lit_ = false;
  int health_rate_ = 0;
  int tenants_ = 1;
  std::uint64_t stamp_ = 0;
  std::deque<Request> queue_;
  std::multimap<Time, Event> inbox_;
  // The jobs, and what they were told.
  std::map<int, std::uint64_t> sequence_, accepted_, running_;
  std::map<int, TopologyAnnouncement> announced_;
  std::map<int, std::set<PortPair>> in_use_;
  std::uint64_t last_id_ = 0;
};

void check_worlds(int worlds, std::int64_t steps, bool in_order) {
  std::int64_t total = 0;
  std::int64_t commands = 0;
  std::int64_t quiet = 0;
  for (int seed = 1; seed <= worlds; ++seed) {
    World world(derive_seed(2026, seed, in_order), in_order);
    try {
      world.run(steps);
    } catch (const std::exception& failure) {
      FAIL() << "world " << seed << ", step " << world.steps() << ": " << failure.what() << "\n"
             << write_snapshot(world.state());
    }
    total += world.steps();
    commands += world.commands();
    quiet += world.quiet_checks();
  }
  EXPECT_GE(total, worlds * steps);
  EXPECT_GT(commands, total / 100);
  EXPECT_GT(quiet, worlds);
  std::cout << total << " steps, " << commands << " commands, at rest " << quiet << " times\n";
}

TEST(RegionControllerModel, KeepsItsInvariantsWhateverHappens) { check_worlds(200, 5'000, true); }

TEST(RegionControllerModel, KeepsItsInvariantsWithADriverThatActsOutOfOrder) {
  check_worlds(60, 5'000, false);
}

}  // namespace
}  // namespace mixnet
