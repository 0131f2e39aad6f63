#include "region/region_controller.h"

#include <algorithm>
#include <utility>

#include "region/region_clock.h"
#include "region/region_topology.h"

namespace mixnet {
namespace {

RegionState checked(RegionState state) {
  check_state(state, "region state");
  return state;
}

/// Not by their numbers: one may have come while another has gone.
bool are_all_in(std::vector<PortPair> some, std::vector<PortPair> all) {
  std::ranges::sort(some);
  std::ranges::sort(all);
  return std::ranges::includes(all, some);
}

}  // namespace

RegionController::RegionController(const RegionConfig& config)
    : state_(RegionState::fresh(config)) {}

RegionController::RegionController(RegionState state) : state_(checked(std::move(state))) {}

const std::vector<Decision>& RegionController::handle(Instant now, const Event& event) {
  decisions_.clear();
  pass_time(state_, now);
  event_index_ = event.index();
  std::visit([this](const auto& one) { on(one); }, event);
  run_timers();
  advance_waiting();
  for (Slice& slice : state_.slices) advance(slice);
  std::erase_if(state_.slices, [&](const Slice& slice) { return take_back(slice); });
  Slice& pool = state_.slices.front();
  if (pool.replan) advance(pool);  // pins have come back with their servers
  for (Slice& slice : state_.slices) announce(slice);
  return decisions_;
}

Duration RegionController::due_in() const { return mixnet::due_in(state_); }

Instant RegionController::next_deadline() const {
  return state_.now.value_or(Instant{}) + due_in();
}

void RegionController::run_timers() {
  const Duration now = state_.elapsed;
  for (int p = 0; p < state_.config.ports(); ++p) {
    Suspicion& suspicion = state_.suspicion[p];
    if (suspicion.until == Duration::zero() || now < suspicion.until) continue;
    suspicion.until = Duration::zero();
    facts_changed(state_.config.server_of(p));
  }
  for (Slice& slice : state_.slices) {
    if (slice.running != 0 && now >= slice.running_until) {
      alarm(Severity::kMinor, AlarmCode::kPhaseOverdue, slice.tenant,
            static_cast<std::int64_t>(slice.running));
      end_phase(slice, slice.running);
    }
    if (slice.step != Step::kSettled && now >= slice.deadline) on_deadline(slice);
  }
  Slice& pool = state_.slices.front();
  if (pool.step == Step::kSettled && now >= state_.next_audit) send_read(pool);
}

/// Of the step that the slice is in.
void RegionController::on_deadline(Slice& slice) {
  const auto capped = [&] {
    return slice.connect.size() > static_cast<std::size_t>(state_.tokens());
  };
  if (slice.step == Step::kDraining && (slice.replan || capped())) {
    // Something has failed or begun meanwhile, or others have taken the tokens: nothing is sent
    // yet.
    settle(slice);
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
    const int attempts = state_.config.attempts;
    slice.read_failures =
        std::min(slice.read_failures + 1, std::max(attempts, RegionConfig::kMaxDoublings));
    if (slice.read_failures >= attempts && !std::exchange(state_.device_silent, true)) {
      alarm(Severity::kCritical, AlarmCode::kDeviceSilent, slice.tenant, 0);
    }
    send_read(slice);
  }
}

/// Where there is a cap, those that wait for it come first: the one whose last turn is longest ago.
void RegionController::advance_waiting() {
  if (state_.config.moves_per_minute == 0) return;
  std::vector<Slice*> waiting;
  for (Slice& slice : state_.slices) {
    if (slice.waiting > 0) waiting.push_back(&slice);
  }
  std::ranges::sort(waiting, {}, &Slice::last_id);
  for (Slice* slice : waiting) advance(*slice);
}

/// Settled: starts the next change, if there is one to make.
void RegionController::advance(Slice& slice) {
  if (slice.step != Step::kSettled) return;
  if (slice.running == 0 && slice.next_phase.sequence != 0) {
    slice.phase = std::exchange(slice.next_phase, {});
    slice.demand = std::exchange(slice.next_demand, {});
    slice.outlook = std::exchange(slice.next_outlook, {});
    slice.rewire = state_.held ? Rewire::kNow : planner_.rewire(state_, slice);
    slice.replan = true;
  }
  if (state_.held) return stand_by(slice);
  if (std::exchange(slice.replan, false)) {
    std::vector<PortPair> target = planner_.plan(state_, slice);
    if (target != slice.target) slice.waiting = 0;
    slice.target = std::move(target);
    slice.held = slice.stays();
    slice.batch_limit = 0;
    slice.attempts = 0;
  }
  const bool waited = slice.waiting > 0;
  const bool moves = choose_moves(slice);
  if (slice.waiting > 0 && !waited) {
    alarm(Severity::kMinor, AlarmCode::kMovesCapped, slice.tenant, slice.waiting);
  }
  // Nothing waits for the moves, where there are none, or by the policy, or it would for minutes.
  if (!moves || slice.rewire != Rewire::kNow || slice.waiting > 0) slice.served = slice.phase;
  if (!moves) return;
  const std::vector<PortPair> before = ports_of(slice.announced);
  announce(slice);
  if (state_.config.drain > Duration::zero() && !are_all_in(before, ports_of(slice.announced))) {
    slice.step = Step::kDraining;
    slice.deadline = after(state_.config.drain);
  } else if (slice.clear_at > state_.elapsed) {
    slice.step = Step::kDraining;
    slice.deadline = slice.clear_at;
  } else {
    send_command(slice);
  }
}

/// From kDraining: nothing was sent.
void RegionController::settle(Slice& slice) {
  slice.forget_moves();
  slice.step = Step::kSettled;
}

/// While held: what is lit is what is wanted, whoever has lit it.
void RegionController::stand_by(Slice& slice) {
  const int nics = state_.config.optical_nics;
  slice.target.clear();
  for (const int server : slice.servers) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      const int q = state_.lit[p];
      if (q <= p || state_.lit[q] != p || state_.owner_of(q) != slice.tenant ||
          state_.config.server_of(q) == server) {
        continue;
      }
      slice.target.push_back({p, q});
    }
  }
  std::ranges::sort(slice.target);
  slice.replan = slice.held = false;
  slice.waiting = slice.attempts = slice.batch_limit = 0;
  slice.served = slice.phase;
}

/// A tenant that leaves is gone when all its ports are dark but for pins and what is not ours to
/// take down: its servers become the pool's.
bool RegionController::take_back(const Slice& slice) {
  if (!slice.leaving || slice.step != Step::kSettled || slice.replan) return false;
  const auto is_ours = [&](int port) { return port >= 0 && state_.owner_of(port) == slice.tenant; };
  const auto may_stay = [&](int port) {
    const int peer = state_.lit[port];
    const bool pin =
        is_ours(peer) && state_.is_pin(port, peer) && !state_.drains(port) && !state_.drains(peer);
    return peer < 0 || pin || state_.lit_by_others(port);
  };
  for (int p = 0; p < state_.config.ports(); ++p) {
    if (is_ours(p) && !may_stay(p)) return false;
  }
  for (int p = 0; p < state_.config.ports(); ++p) {
    const int q = state_.lit[p];
    const bool crosses = q >= 0 && ((state_.owner_of(p) == 0 && is_ours(q)) ||
                                    (is_ours(p) && state_.owner_of(q) == 0));
    if (!crosses || state_.lit[q] == p || state_.config.forbids(q)) continue;
    state_.lit[p] = -1;  // one has seen a circuit to a port that was read otherwise: look again
    state_.next_audit = std::min(state_.next_audit, state_.elapsed);
  }
  Slice& pool = state_.slices.front();
  for (const int server : slice.servers) {
    state_.owner[server] = 0;
    pool.servers.push_back(server);
  }
  if (!state_.pins.empty()) pool.replan = true;
  decisions_.emplace_back(TenantGone{slice.tenant});
  return true;
}

std::vector<PortPair> RegionController::ports_of(const TopologyAnnouncement& said) const {
  const int nics = state_.config.optical_nics;
  std::vector<PortPair> ports;
  ports.reserve(said.circuits.size());
  for (const Circuit& c : said.circuits) {
    ports.push_back({c.server_a * nics + c.nic_a, c.server_b * nics + c.nic_b});
  }
  return ports;
}

/// Announces the slice's topology if it is not what was announced last.
bool RegionController::announce(Slice& slice) {
  if (slice.tenant == 0) return false;
  TopologyAnnouncement now = topology_of(state_, slice);
  if (now == slice.announced && now.epoch > 0) return false;
  ++now.epoch;
  if (!are_all_in(now.cut, slice.announced.cut)) {
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
