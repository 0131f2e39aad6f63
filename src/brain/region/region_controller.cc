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
  for (Slice& slice : state_.slices) advance(slice);
  std::erase_if(state_.slices, [&](const Slice& slice) { return take_back(slice); });
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
  if (slice.step == Step::kDraining && slice.replan) {
    slice.forget_moves();  // something has failed or begun meanwhile: nothing is sent yet
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
    const int attempts = state_.config.attempts;
    slice.read_failures =
        std::min(slice.read_failures + 1, std::max(attempts, RegionConfig::kMaxDoublings));
    if (slice.read_failures >= attempts && !std::exchange(state_.device_silent, true)) {
      alarm(Severity::kCritical, AlarmCode::kDeviceSilent, slice.tenant, 0);
    }
    send_read(slice);
  }
}

/// Settled: starts the next change, if there is one to make.
void RegionController::advance(Slice& slice) {
  if (slice.step != Step::kSettled) return;
  if (slice.running == 0 && slice.next_phase.sequence != 0) {
    slice.phase = std::exchange(slice.next_phase, {});
    slice.demand = std::exchange(slice.next_demand, {});
    slice.outlook = std::exchange(slice.next_outlook, {});
    slice.rewire = planner_.rewire(state_, slice);
    slice.replan = true;
  }
  if (std::exchange(slice.replan, false)) {
    slice.target = planner_.plan(state_, slice);
    slice.held = slice.stays();
    slice.batch_limit = 0;
    slice.attempts = 0;
  }
  if (!choose_moves(slice)) {
    slice.served = slice.phase;
    return;
  }
  if (slice.rewire != Rewire::kNow) slice.served = slice.phase;  // nothing waits for the moves
  const std::vector<PortPair> before = ports_of(slice.announced);
  announce(slice);
  if (state_.config.drain > Duration::zero() && !are_all_in(before, ports_of(slice.announced))) {
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
    state_.next_audit = std::min(state_.next_audit, state_.elapsed);
  }
  Slice& pool = state_.slices.front();
  for (const int server : slice.servers) {
    state_.owner[server] = 0;
    pool.servers.push_back(server);
  }
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
