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
#include "region/test_region_laws.h"

namespace mixnet {
namespace {

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
    config_.drain = Duration::milliseconds(std::array{0, 0, 2, 40}[draw(4)]);
    config_.attempts = 1 + draw(3);
    const bool with_forbidden = draw(2) == 0;
    if (draw(3) == 0) config_.moves_per_minute = 1 + draw(draw(2) == 0 ? 20 : 2000);
    for (int p = 0; p < config_.ports() && with_forbidden; ++p) {
      if (draw(8) == 0) config_.forbidden.push_back(p);
    }
    controller_.emplace(config_);
    laws_.emplace(config_);
    plant_.table.assign(static_cast<std::size_t>(config_.ports()), -1);
    plant_.stuck.assign(plant_.table.size(), false);
    sizes_[0] = sizes_[1] = config_.ports();
    sizes_[2] = config_.servers * config_.eps_nics;
    sizes_[3] = config_.servers;
    for (int part = 0; part < 4; ++part) plant_.failed[part].assign(sizes_[part], false);
    plant_.refusal = static_cast<Refusal>(draw(3));
    plant_.names_port = draw(2) == 0;
    plant_.reports_lit = draw(3) == 0;
    health_rate_ = 1 + draw(13);
  }

  std::int64_t steps() const { return steps_; }
  const RegionLaws::Seen& seen() const { return laws_->seen(); }
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
      operators();
    } else if (what < 96) {
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
    const bool fails = !plant_.failed[part][index] && draw(8) == 0;
    plant_.failed[part][index] = fails;
    report_health(part, index);
    step(Tick{});
  }

  void report_health(int part, int index) {
    const std::uint64_t stamp = chance(5) ? 0 : ++stamp_;
    send(HealthReport{static_cast<Part>(part), index, plant_.failed[part][index], stamp});
    if (part == 0) plant_.stuck[index] = chance(20);
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
    plant_.darken(p);
    if (draw(2) == 0 && p != q) {
      plant_.darken(q);
      plant_.table[p] = q;
      plant_.table[q] = p;
    }
    step(Tick{});
  }

  void operators() {
    if (!faults_) return step(Tick{});
    const int what = draw(8);
    if (state().held && draw(2) == 0) {
      send(SwitchHold{false});
    } else if (what < 2) {
      send(ServerDrain{draw(config_.servers), draw(5) == 0});
    } else if (what < 6) {
      const PortPair ports{draw(config_.ports()), draw(config_.ports())};
      const auto& pins = state().pins;
      const bool unpin = pins.size() > 3 || (!pins.empty() && draw(3) == 0);
      send(unpin ? CircuitPin{pins[draw(static_cast<int>(pins.size()))], false}
                 : CircuitPin{ports, true});
    } else {
      send(SwitchHold{!state().held && draw(2) == 0});
    }
    step(Tick{});
  }

  void nonsense() {
    const int tenant = draw(6) - 1;
    switch (draw(9)) {
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
      case 6:
        return step(ServerDrain{draw(2) == 0 ? -1 : 1000, draw(2) == 0});
      case 7:
        return step(CircuitPin{{tenant - 2, 1000 + tenant}, draw(2) == 0});
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
        DeviceState read{request.id, plant_.lit()};
        if (chance(1)) read.lit.push_back({0, 0});  // garbled
        reply(read);
      } else {
        execute(request.command);
      }
    }
  }

  void execute(const DeviceCommand& command) {
    const std::vector<int> before = plant_.table;
    reply(plant_.execute(command));
    if (!in_order_) return;
    // No slice is ever crossed, not even by a command that the controller has given up on.
    for (const PortPair& pair : command.connect) {
      if (plant_.table[pair.a] != pair.b || before[pair.a] == pair.b) continue;
      must(state().owner_of(pair.a) == state().owner_of(pair.b), "the device joins two slices");
      must(state().owner_of(pair.a) != 0 || command.tenant == 0,
           "the device lights a port of nobody");
    }
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
    laws_->check(state(), decisions);
    for (const Decision& decision : decisions) {
      if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
        accept({now_, false, command->id, *command});
      } else if (const auto* read = std::get_if<ReadState>(&decision)) {
        accept({now_, true, read->id, {}});
      } else if (const auto* gone = std::get_if<TenantGone>(&decision)) {
        accepted_.erase(gone->tenant);
        sequence_.erase(gone->tenant);
      }
    }
    idle_ = controller_->due_in() > Duration::zero() ? 0 : idle_ + 1;
    must(idle_ < 5, "it is always due");
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

  // The faults stop: everything must come right.

  void settle() {
    faults_ = false;
    plant_.stuck.assign(plant_.stuck.size(), false);
    // What is on its way arrives first: an old denial would make a good port suspect once more.
    for (const Time late = now_ + Time::seconds(5); now_ < late;) pass_time();
    for (int part = 0; part < 4; ++part) {
      for (int i = 0; i < sizes_[part]; ++i) report_health(part, i);
    }
    inbox_.emplace(now_ + delay(50), SwitchHold{false});
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
           std::ranges::all_of(state().slices, [](const Slice& slice) {
             return slice.step == Step::kSettled && slice.waiting == 0;
           });
  }

  void check_rest() {
    must(!state().held, "at rest, the switch is held");
    laws_->check_rest(state(), plant_);
    for (const Slice& slice : state().slices) {
      const auto accepted = accepted_.find(slice.tenant);
      must(accepted == accepted_.end() || slice.phase.sequence == accepted->second,
           "at rest, the latest demand is not the one served");
    }
  }

  Random random_;
  bool in_order_;
  bool faults_ = true;
  RegionConfig config_;
  std::optional<RegionController> controller_;
  std::optional<RegionController> twin_;
  std::optional<RegionLaws> laws_;
  Time now_;              // the true time
  Time last_step_;        // when the controller heard last
  Duration clock_error_;  // of the clock that it sees
  std::int64_t steps_ = 0;
  int idle_ = 0;  // steps in a row after which the next is due at once
  std::int64_t quiet_checks_ = 0;
  // The switch and the plant, as they really are.
  Plant plant_;
  int sizes_[4] = {};
  int health_rate_ = 0;
  int tenants_ = 1;
  std::uint64_t stamp_ = 0;
  std::deque<Request> queue_;
  std::multimap<Time, Event> inbox_;
  // The jobs, and what they were told.
  std::map<int, std::uint64_t> sequence_, accepted_;
};

void check_worlds(int worlds, std::int64_t steps, bool in_order) {
  std::int64_t total = 0;
  std::int64_t quiet = 0;
  RegionLaws::Seen seen;
  for (int seed = 1; seed <= worlds; ++seed) {
    World world(derive_seed(2026, seed, in_order), in_order);
    try {
      world.run(steps);
    } catch (const std::exception& failure) {
      FAIL() << "world " << seed << ", step " << world.steps() << ": " << failure.what() << "\n"
             << write_snapshot(world.state());
    }
    total += world.steps();
    quiet += world.quiet_checks();
    seen += world.seen();
  }
  EXPECT_GE(total, worlds * steps);
  EXPECT_GT(seen.commands, total / 100);
  EXPECT_GT(quiet, worlds);
  for (const std::int64_t often :
       {seen.capped, seen.pins_at_rest, seen.drained_at_rest, seen.foreign_at_rest}) {
    EXPECT_GT(often, worlds / 2);
  }
  std::cout << total << " steps, " << seen.commands << " commands, " << seen.capped
            << " waits for the cap; at rest " << quiet << " times, with " << seen.pins_at_rest
            << " pins, " << seen.drained_at_rest << " ports drained, " << seen.foreign_at_rest
            << " lit by others\n";
}

TEST(RegionControllerModel, KeepsItsInvariantsWhateverHappens) { check_worlds(200, 5'000, true); }

TEST(RegionControllerModel, KeepsItsInvariantsWithADriverThatActsOutOfOrder) {
  check_worlds(60, 5'000, false);
}

}  // namespace
}  // namespace mixnet
