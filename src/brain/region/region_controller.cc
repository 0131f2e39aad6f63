#include "region/region_controller.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace mixnet {
namespace {

constexpr Time kLatest = Time::picoseconds(INT64_MAX / 2);
constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 62;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53;
constexpr int kMaxDoublings = 6;

bool holds(const std::vector<int>& table, const PortPair& pair) {
  return table[pair.a] == pair.b && table[pair.b] == pair.a;
}

bool is_sound(const DemandReport& report, std::size_t servers) {
  return report.phase.sequence >= 1 && report.phase.sequence <= kMaxSequence &&
         report.bytes.rows() == servers && report.bytes.columns() == servers &&
         std::ranges::all_of(report.bytes.cells(),
                             [](std::int64_t bytes) { return bytes >= 0 && bytes <= kMaxBytes; });
}

void forget_moves(Slice& slice) {
  slice.disconnect.clear();
  slice.connect.clear();
  slice.moves = 0;
}

RegionState checked(RegionState state) {
  check_state(state, "region state");
  return state;
}

}  // namespace

RegionController::RegionController(const RegionConfig& config)
    : state_(RegionState::fresh(config)) {}

RegionController::RegionController(RegionState state) : state_(checked(std::move(state))) {}

const std::vector<Decision>& RegionController::handle(Time now, const Event& event) {
  decisions_.clear();
  state_.now = std::clamp(now, state_.now, kLatest);
  event_index_ = event.index();
  std::visit([this](const auto& one) { on(one); }, event);
  run_timers();
  for (Slice& slice : state_.slices) advance(slice);
  std::erase_if(state_.slices, [&](const Slice& slice) { return take_back(slice); });
  for (Slice& slice : state_.slices) announce(slice);
  return decisions_;
}

Time RegionController::next_deadline() const {
  Time next = kLatest;
  for (const Slice& slice : state_.slices) {
    if (slice.step != Step::kSettled) next = std::min(next, slice.deadline);
    if (slice.running != 0) next = std::min(next, slice.running_until);
  }
  for (const Suspicion& suspicion : state_.suspicion) {
    if (suspicion.until > Time::zero()) next = std::min(next, suspicion.until);
  }
  if (state_.slices.front().step == Step::kSettled) next = std::min(next, state_.next_audit);
  return next;
}

// Events.

void RegionController::on(const DemandReport& report) {
  Slice* slice = report.tenant > 0 ? state_.find(report.tenant) : nullptr;
  if (slice == nullptr || !is_sound(report, slice->servers.size())) return bad_event(report.tenant);
  const bool waits = slice->next_phase.sequence != 0;
  const PhaseId& latest = waits ? slice->next_phase : slice->phase;
  if (slice->leaving || report.phase.sequence < latest.sequence) return drop();
  if (report.phase.sequence == latest.sequence) {
    if (report.phase == latest && report.bytes == (waits ? slice->next_demand : slice->demand)) {
      return drop();
    }
    return alarm(Severity::kMinor, AlarmCode::kContradictoryDemand, slice->tenant,
                 static_cast<std::int64_t>(report.phase.sequence));
  }
  slice->next_phase = report.phase;
  slice->next_demand = report.bytes;
}

void RegionController::on(const PhaseMark& mark) {
  Slice* slice = mark.tenant > 0 ? state_.find(mark.tenant) : nullptr;
  if (slice == nullptr || mark.sequence == 0 || mark.sequence > kMaxSequence) {
    return bad_event(mark.tenant);
  }
  if (slice->leaving || mark.sequence <= slice->ended || mark.sequence < slice->running) {
    return drop();
  }
  if (!mark.begins) return end_phase(*slice, mark.sequence);
  if (mark.sequence == slice->running) return drop();
  if (slice->running != 0) end_phase(*slice, slice->running);
  slice->running = mark.sequence;
  if (slice->step != Step::kSettled) slice->replan = true;  // what is still to move may stay now
  slice->running_until = after(state_.config.phase_limit);
}

void RegionController::end_phase(Slice& slice, std::uint64_t sequence) {
  // A plan made around the circuits of a running phase is made again; another one stands.
  if (slice.held) slice.replan = true;
  slice.running = 0;
  slice.ended = std::max(slice.ended, sequence);
}

void RegionController::on(const HealthReport& report) {
  auto& parts = report.part == Part::kOcsPort      ? state_.port_health
                : report.part == Part::kOpticalNic ? state_.optical_health
                : report.part == Part::kEpsNic     ? state_.eps_health
                                                   : state_.server_health;
  if (report.index < 0 || static_cast<std::size_t>(report.index) >= parts.size()) {
    return bad_event(0);
  }
  Health& health = parts[report.index];
  if (report.stamp != 0 && report.stamp <= health.stamp) return drop();
  health.stamp = std::max(health.stamp, report.stamp);
  bool changed = std::exchange(health.failed, report.failed) != report.failed;
  if (report.part == Part::kOcsPort && !report.failed) {
    changed = changed || state_.suspect(report.index);
    state_.suspicion[report.index] = {};
  }
  if (!changed) return drop();
  facts_changed(report.part == Part::kServer   ? report.index
                : report.part == Part::kEpsNic ? report.index / state_.config.eps_nics
                                               : state_.config.server_of(report.index));
}

void RegionController::facts_changed(int server) {
  state_.find(state_.owner[server])->replan = true;
}

void RegionController::on(const DeviceAnswer& answer) {
  for (Slice& slice : state_.slices) {
    if (slice.step == Step::kSwitching && slice.awaited == answer.id) {
      ++state_.counters.answered;
      slice.denied = !answer.ok;
      if (slice.denied) {
        alarm(Severity::kMinor, AlarmCode::kCommandDenied, slice.tenant,
              static_cast<std::int64_t>(answer.id));
        for (const auto* list : {&slice.disconnect, &slice.connect}) {
          for (const PortPair& pair : *list) {
            if (answer.denied_port != pair.a && answer.denied_port != pair.b) continue;
            make_suspect(answer.denied_port, slice.tenant);
            break;
          }
        }
      }
      if (answer.has_lit && takes_answer(slice, answer)) {
        slice.awaited = 0;
        slice.step = Step::kSettled;
        table_ = state_.lit;
        for (const auto* list : {&slice.disconnect, &slice.connect}) {
          for (const PortPair& pair : *list) table_[pair.a] = table_[pair.b] = -1;
        }
        for (const PortPair& pair : answer.lit) {
          table_[pair.a] = pair.b;
          table_[pair.b] = pair.a;
        }
        take_reading(slice, table_);
        judge_moves(slice);
      } else {
        send_read(slice);
      }
      return;
    }
    if (answer.id != 0 && slice.overdue == answer.id) {
      slice.overdue = 0;
      state_.next_audit = std::min(state_.next_audit, state_.now);
      return drop();
    }
  }
  drop();
}

/// Whether an answer's own report can stand for a reading: it names ports of the command only, all
/// within the slice, each once.
bool RegionController::takes_answer(const Slice& slice, const DeviceAnswer& answer) const {
  std::vector<int> ours;
  for (const auto* list : {&slice.disconnect, &slice.connect}) {
    for (const PortPair& pair : *list) {
      for (const int port : {pair.a, pair.b}) {
        if (state_.owner_of(port) != slice.tenant) return false;
        ours.push_back(port);
      }
    }
  }
  std::ranges::sort(ours);
  std::vector<int> named;
  for (const PortPair& pair : answer.lit) {
    if (pair.a == pair.b) return false;
    named.push_back(pair.a);
    named.push_back(pair.b);
  }
  std::ranges::sort(named);
  if (std::ranges::adjacent_find(named) != named.end()) return false;
  return std::ranges::all_of(named, [&](int p) { return std::ranges::binary_search(ours, p); });
}

void RegionController::on(const DeviceState& read) {
  const auto asker = std::ranges::find_if(state_.slices, [&](const Slice& slice) {
    return slice.step == Step::kReading && slice.awaited == read.id;
  });
  if (asker == state_.slices.end() || !read_table(read.lit, table_)) return drop();
  ++state_.counters.reads_answered;
  if (std::exchange(state_.device_silent, false)) {
    alarm(Severity::kEvent, AlarmCode::kDeviceBack, 0, 0);
  }
  asker->awaited = 0;
  asker->step = Step::kSettled;
  asker->read_failures = 0;
  for (Slice& slice : state_.slices) {
    // Others may take it too, when nothing of theirs was under way since it was asked for.
    const bool quiet = slice.step == Step::kSettled && slice.last_id < read.id;
    if (&slice == &*asker || quiet) take_reading(slice, table_);
  }
  judge_moves(*asker);
}

bool RegionController::read_table(const std::vector<PortPair>& pairs,
                                  std::vector<int>& table) const {
  table.assign(state_.lit.size(), -1);
  for (const PortPair& pair : pairs) {
    const auto bad = [&](int port) {
      return port < 0 || port >= state_.config.ports() || table[port] >= 0;
    };
    if (pair.a == pair.b || bad(pair.a) || bad(pair.b)) return false;
    table[pair.a] = pair.b;
    table[pair.b] = pair.a;
  }
  return true;
}

void RegionController::on(const TenantAdd& add) {
  if (add.tenant <= 0) return bad_event(add.tenant);
  if (const Slice* known = state_.find(add.tenant)) {
    if (!known->leaving && known->servers == add.servers) return drop();
    return alarm(Severity::kMinor, AlarmCode::kTenantRefused, add.tenant, add.tenant);
  }
  Slice& pool = state_.slices.front();
  const int nics = state_.config.optical_nics;
  std::vector<int> moving;
  for (const auto* list : {&pool.disconnect, &pool.connect}) {
    for (const PortPair& pair : *list) moving.insert(moving.end(), {pair.a, pair.b});
  }
  std::vector<int> sorted = add.servers;
  std::ranges::sort(sorted);
  if (sorted.empty() || sorted.front() < 0 || sorted.back() >= state_.config.servers ||
      std::ranges::adjacent_find(sorted) != sorted.end()) {
    return bad_event(add.tenant);
  }
  for (const int server : sorted) {
    bool free = state_.owner[server] == 0;
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      free = free && state_.lit[p] < 0 && std::ranges::find(moving, p) == moving.end();
    }
    if (!free) return alarm(Severity::kMinor, AlarmCode::kTenantRefused, add.tenant, server);
  }
  std::erase_if(pool.servers, [&](int s) { return std::ranges::binary_search(sorted, s); });
  for (const int server : sorted) state_.owner[server] = add.tenant;
  Slice slice;
  slice.tenant = add.tenant;
  slice.servers = add.servers;
  slice.announced.tenant = add.tenant;
  const auto at = std::ranges::lower_bound(state_.slices, add.tenant, {}, &Slice::tenant);
  send_read(*state_.slices.insert(at, std::move(slice)));
}

void RegionController::on(const TenantRemove& remove) {
  Slice* slice = remove.tenant > 0 ? state_.find(remove.tenant) : nullptr;
  if (slice == nullptr || slice->leaving) return drop();
  slice->leaving = true;
  slice->replan = true;
  slice->running = 0;
  slice->next_phase = {};
  slice->next_demand = {};
  if (slice->step == Step::kSettled) send_read(*slice);
}

void RegionController::on(const Tick& /*tick*/) {}

// Time.

Time RegionController::after(Time span) const { return std::min(kLatest, state_.now + span); }

void RegionController::run_timers() {
  const Time now = state_.now;
  for (int p = 0; p < state_.config.ports(); ++p) {
    Suspicion& suspicion = state_.suspicion[p];
    if (suspicion.until == Time::zero() || now < suspicion.until) continue;
    suspicion.until = Time::zero();
    facts_changed(state_.config.server_of(p));
  }
  for (Slice& slice : state_.slices) {
    if (slice.running != 0 && now >= slice.running_until) {
      alarm(Severity::kMinor, AlarmCode::kPhaseOverdue, slice.tenant,
            static_cast<std::int64_t>(slice.running));
      end_phase(slice, slice.running);
    }
    if (slice.step == Step::kSettled || now < slice.deadline) continue;
    if (slice.step == Step::kDraining && slice.replan) {
      forget_moves(slice);  // something has failed or begun meanwhile: nothing is sent yet
      slice.step = Step::kSettled;
    } else if (slice.step == Step::kDraining) {
      send_command(slice);
    } else if (slice.step == Step::kSwitching) {
      ++state_.counters.timed_out;
      alarm(Severity::kMinor, AlarmCode::kCommandTimedOut, slice.tenant,
            static_cast<std::int64_t>(slice.awaited));
      slice.overdue = slice.awaited;
      slice.denied = false;
      send_read(slice);
    } else {
      ++state_.counters.reads_timed_out;
      slice.read_failures = std::min(slice.read_failures + 1, state_.config.attempts);
      if (slice.read_failures == state_.config.attempts &&
          !std::exchange(state_.device_silent, true)) {
        alarm(Severity::kCritical, AlarmCode::kDeviceSilent, slice.tenant, 0);
      }
      send_read(slice);
    }
  }
  Slice& pool = state_.slices.front();
  if (pool.step == Step::kSettled && now >= state_.next_audit) send_read(pool);
}

// A slice.

/// Settled: starts the next change, if there is one to make.
void RegionController::advance(Slice& slice) {
  if (slice.step != Step::kSettled) return;
  if (slice.running == 0 && slice.next_phase.sequence != 0) {
    slice.phase = std::exchange(slice.next_phase, {});
    slice.demand = std::exchange(slice.next_demand, {});
    slice.replan = true;
  }
  if (std::exchange(slice.replan, false)) {
    slice.target = planner_.plan(state_, slice);
    slice.held = slice.running != 0;
    slice.batch_limit = 0;
    slice.attempts = 0;
  }
  if (!choose_moves(slice)) {
    slice.served = slice.phase;
    return;
  }
  const std::size_t before = slice.announced.circuits.size();
  announce(slice);
  if (state_.config.drain > Time::zero() && slice.announced.circuits.size() < before) {
    slice.step = Step::kDraining;
    slice.deadline = after(state_.config.drain);
  } else {
    send_command(slice);
  }
}

/// A tenant that leaves is gone when all its ports are dark: its servers become the pool's.
bool RegionController::take_back(const Slice& slice) {
  if (!slice.leaving || slice.step != Step::kSettled || slice.replan) return false;
  const auto is_ours = [&](int port) { return port >= 0 && state_.owner_of(port) == slice.tenant; };
  for (int p = 0; p < state_.config.ports(); ++p) {
    if (is_ours(p) && state_.lit[p] >= 0) return false;
  }
  for (int p = 0; p < state_.config.ports(); ++p) {
    if (state_.owner_of(p) != 0 || !is_ours(state_.lit[p])) continue;
    state_.lit[p] = -1;  // the pool saw a circuit to a port that was read dark: look again
    state_.next_audit = std::min(state_.next_audit, state_.now);
  }
  Slice& pool = state_.slices.front();
  for (const int server : slice.servers) {
    state_.owner[server] = 0;
    pool.servers.push_back(server);
  }
  decisions_.emplace_back(TenantGone{slice.tenant});
  return true;
}

/// Fills the lists with what parts lit from target, up to the batch limit; false: nothing does.
bool RegionController::choose_moves(Slice& slice) const {
  const std::vector<int>& lit = state_.lit;
  const int nics = state_.config.optical_nics;
  forget_moves(slice);
  std::vector<int> going;
  const auto full = [&] { return slice.batch_limit > 0 && slice.moves >= slice.batch_limit; };
  const auto disconnect = [&](int p) {
    const int q = lit[p];
    if (q < 0 || std::ranges::find(going, p) != going.end()) return;
    slice.disconnect.push_back({std::min(p, q), std::max(p, q)});
    going.insert(going.end(), {p, q});
  };
  // A circuit on a suspect port was not to be moved: it is left alone until the hold is over.
  const auto stuck = [&](int p) {
    return lit[p] >= 0 && (state_.suspect(p) || state_.suspect(lit[p]));
  };
  for (const PortPair& pair : slice.target) {
    if (holds(lit, pair) || full()) continue;
    if (!state_.usable(pair.a) || !state_.usable(pair.b) || stuck(pair.a) || stuck(pair.b)) {
      continue;
    }
    disconnect(pair.a);
    disconnect(pair.b);
    slice.connect.push_back(pair);
    ++slice.moves;
  }
  for (const int server : slice.servers) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      const int q = lit[p];
      if (q < 0 || stuck(p) || full()) continue;
      const PortPair pair{std::min(p, q), std::max(p, q)};
      if (std::ranges::binary_search(slice.target, pair)) continue;
      if (std::ranges::find(going, p) != going.end()) continue;
      disconnect(p);
      ++slice.moves;
    }
  }
  return slice.moves > 0;
}

void RegionController::send_command(Slice& slice) {
  slice.step = Step::kSwitching;
  slice.deadline = after(state_.config.command_timeout);
  slice.awaited = slice.last_id = ++state_.last_id;
  slice.denied = false;
  ++state_.counters.commands;
  decisions_.emplace_back(
      DeviceCommand{slice.awaited, slice.tenant, slice.disconnect, slice.connect, slice.deadline});
}

void RegionController::send_read(Slice& slice) {
  const int doublings = std::min(slice.read_failures, kMaxDoublings);
  slice.step = Step::kReading;
  slice.deadline = after(state_.config.read_timeout * (std::int64_t{1} << doublings));
  slice.awaited = slice.last_id = ++state_.last_id;
  ++state_.counters.reads;
  if (slice.tenant == 0) state_.next_audit = after(state_.config.audit_period);
  decisions_.emplace_back(ReadState{slice.awaited, slice.deadline});
}

/// Believes the table about the slice's ports. What differs and was not being moved is a
/// contradiction: somebody else has changed it.
void RegionController::take_reading(Slice& slice, const std::vector<int>& table) {
  const int nics = state_.config.optical_nics;
  std::vector<int> moving;
  for (const auto* list : {&slice.disconnect, &slice.connect}) {
    for (const PortPair& pair : *list) moving.insert(moving.end(), {pair.a, pair.b});
  }
  std::ranges::sort(moving);
  for (const int server : slice.servers) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      if (state_.lit[p] == table[p]) continue;
      const int before = std::exchange(state_.lit[p], table[p]);
      // A port that was held by another slice's is free for use now.
      if (before >= 0 && state_.owner_of(before) != slice.tenant) slice.replan = true;
      if (std::ranges::binary_search(moving, p)) continue;
      ++state_.counters.contradictions;
      alarm(Severity::kMinor, AlarmCode::kContradiction, slice.tenant, p);
      slice.replan = true;
    }
  }
}

/// After a reading: which of the moves have come about, and what follows for those that have not.
void RegionController::judge_moves(Slice& slice) {
  if (slice.moves == 0) return;
  const auto in_vain = [&](const std::vector<PortPair>& list, bool wanted) {
    return std::ranges::count_if(list,
                                 [&](const PortPair& p) { return holds(state_.lit, p) != wanted; });
  };
  for (const PortPair& pair : slice.connect) {
    if (!holds(state_.lit, pair)) continue;
    for (const int port : {pair.a, pair.b}) {
      if (!state_.suspect(port)) state_.suspicion[port].strikes = 0;
    }
  }
  const auto undone = in_vain(slice.connect, true) + in_vain(slice.disconnect, false);
  const auto all = static_cast<std::ptrdiff_t>(slice.connect.size() + slice.disconnect.size());
  if (undone == 0) {
    slice.attempts = 0;
    slice.batch_limit = 0;
  } else if (undone < all) {
    slice.attempts = 0;
  } else if (++slice.attempts >= state_.config.attempts || (slice.denied && slice.moves > 1)) {
    slice.attempts = 0;
    slice.batch_limit = slice.moves > 1 ? (slice.moves + 1) / 2 : 0;
    if (slice.moves == 1) blame(slice);
  }
  forget_moves(slice);
}

/// One move alone has failed again and again.
void RegionController::blame(Slice& slice) {
  for (const PortPair& pair : slice.disconnect) {
    if (!holds(state_.lit, pair)) continue;
    make_suspect(pair.a, slice.tenant);
    make_suspect(pair.b, slice.tenant);
  }
  for (const PortPair& pair : slice.connect) {
    // A port that is lit otherwise is not to blame: what it is joined to has not let go.
    if (state_.lit[pair.a] >= 0 || state_.lit[pair.b] >= 0) continue;
    make_suspect(pair.a, slice.tenant);
    make_suspect(pair.b, slice.tenant);
  }
}

void RegionController::make_suspect(int port, int tenant) {
  Suspicion& suspicion = state_.suspicion[port];
  if (suspicion.until > Time::zero()) return;
  const int doublings = std::min(suspicion.strikes, kMaxDoublings);
  suspicion.strikes = std::min(suspicion.strikes + 1, kMaxDoublings);
  // Each port has a hold of its own, from one to two times the configured one.
  const auto share = static_cast<std::int64_t>(
      mix64(static_cast<std::uint64_t>(port) * 64 + static_cast<std::uint64_t>(doublings)) % 16);
  const Time hold = state_.config.suspect_hold * (std::int64_t{1} << doublings);
  suspicion.until = after(hold + Time::picoseconds(hold.ps / 16 * share));
  alarm(Severity::kMajor, AlarmCode::kPortSuspect, tenant, port);
  facts_changed(state_.config.server_of(port));
}

// Decisions.

/// Announces the slice's topology if it is not what was announced last.
bool RegionController::announce(Slice& slice) {
  if (slice.tenant == 0) return false;
  TopologyAnnouncement now = topology_of(state_, slice);
  if (now == slice.announced && now.epoch > 0) return false;
  ++now.epoch;
  if (now.cut.size() > slice.announced.cut.size()) {
    alarm(Severity::kCritical, AlarmCode::kServersCut, slice.tenant,
          static_cast<std::int64_t>(now.cut.size()));
  }
  slice.announced = now;
  decisions_.emplace_back(std::move(now));
  return true;
}

void RegionController::alarm(Severity severity, AlarmCode code, int tenant, std::int64_t subject) {
  decisions_.emplace_back(Alarm{severity, code, tenant, subject});
}

void RegionController::bad_event(int tenant) {
  drop();
  alarm(Severity::kMinor, AlarmCode::kBadEvent, tenant, static_cast<std::int64_t>(event_index_));
}

}  // namespace mixnet
