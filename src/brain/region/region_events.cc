// What the regional controller makes of the events of jobs, of health reports and of tenants.
#include <algorithm>
#include <utility>

#include "region/region_controller.h"

namespace mixnet {
namespace {

bool is_sound(const DemandReport& report, std::size_t servers) {
  return report.phase.sequence >= 1 && report.phase.sequence <= kMostSequence &&
         report.bytes.rows() == servers && report.bytes.columns() == servers &&
         std::min({report.outlook.before, report.outlook.after, report.outlook.inside}) >=
             Duration::zero() &&
         std::ranges::all_of(report.bytes.cells(), [](std::int64_t bytes) {
           return bytes >= 0 && bytes <= kMostCellBytes;
         });
}

}  // namespace

void RegionController::on(const DemandReport& report) {
  Slice* slice = report.tenant > 0 ? state_.find(report.tenant) : nullptr;
  if (slice == nullptr || !is_sound(report, slice->servers.size())) return bad_event(report.tenant);
  const bool waits = slice->next_phase.sequence != 0;
  const PhaseId& latest = waits ? slice->next_phase : slice->phase;
  const PhaseOutlook& outlook = waits ? slice->next_outlook : slice->outlook;
  if (slice->leaving || report.phase.sequence < latest.sequence) return drop();
  const bool comes_true = outlook.expected && !report.outlook.expected && report.phase == latest;
  if (report.phase.sequence == latest.sequence && !comes_true) {
    if (report.phase == latest && report.bytes == (waits ? slice->next_demand : slice->demand)) {
      return drop();
    }
    return alarm(Severity::kMinor, AlarmCode::kContradictoryDemand, slice->tenant,
                 static_cast<std::int64_t>(report.phase.sequence));
  }
  slice->next_phase = report.phase;
  slice->next_demand = report.bytes;
  slice->next_outlook = report.outlook;
}

void RegionController::on(const PhaseMark& mark) {
  Slice* slice = mark.tenant > 0 ? state_.find(mark.tenant) : nullptr;
  if (slice == nullptr || mark.sequence == 0 || mark.sequence > kMostSequence) {
    return bad_event(mark.tenant);
  }
  if (slice->leaving || mark.sequence <= slice->ended || mark.sequence < slice->running) {
    return drop();
  }
  if (!mark.begins) return end_phase(*slice, mark.sequence);
  if (mark.sequence == slice->running) return drop();
  if (slice->running != 0) end_phase(*slice, slice->running);
  slice->running = mark.sequence;
  // What is still to move may stay now.
  if ((slice->step != Step::kSettled || slice->waiting > 0) && slice->stays()) slice->replan = true;
  slice->running_until = after(state_.config.phase_limit);
}

void RegionController::end_phase(Slice& slice, std::uint64_t sequence) {
  // A plan made around the circuits of a running phase is made again; another one stands.
  if (slice.held) slice.replan = true;
  if (slice.rewire == Rewire::kBehindDispatch && sequence >= slice.phase.sequence) {
    slice.rewire = Rewire::kNow;
  }
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

void RegionController::on(const TenantAdd& add) {
  if (add.tenant <= 0) return bad_event(add.tenant);
  if (const Slice* known = state_.find(add.tenant)) {
    if (!known->leaving && known->servers == add.servers) return drop();
    return alarm(Severity::kMinor, AlarmCode::kTenantRefused, add.tenant, add.tenant);
  }
  Slice& pool = state_.slices.front();
  const std::vector<int> moving = pool.moving_ports();
  std::vector<int> sorted = add.servers;
  std::ranges::sort(sorted);
  if (sorted.empty() || sorted.front() < 0 || sorted.back() >= state_.config.servers ||
      std::ranges::adjacent_find(sorted) != sorted.end()) {
    return bad_event(add.tenant);
  }
  for (const int server : sorted) {
    const int nics = state_.config.optical_nics;
    bool free = state_.owner[server] == 0;
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      free = free && is_free(p, sorted, moving);
    }
    if (!free) return alarm(Severity::kMinor, AlarmCode::kTenantRefused, add.tenant, server);
  }
  std::erase_if(pool.servers, [&](int s) { return std::ranges::binary_search(sorted, s); });
  for (const int server : sorted) state_.owner[server] = add.tenant;
  // Pins go with their servers.
  std::erase_if(pool.target, [&](const PortPair& pin) {
    return state_.owner_of(pin.a) != 0 || state_.owner_of(pin.b) != 0;
  });
  if (!state_.pins.empty()) pool.replan = true;
  Slice slice;
  slice.tenant = add.tenant;
  slice.servers = add.servers;
  slice.announced.tenant = add.tenant;
  const auto at = std::ranges::lower_bound(state_.slices, add.tenant, {}, &Slice::tenant);
  send_read(*state_.slices.insert(at, std::move(slice)));
}

/// Whether a port of the pool can become a tenant's: dark, or lit by a pin that comes along, or by
/// a forbidden port; and not being moved.
bool RegionController::is_free(int port, const std::vector<int>& joining,
                               const std::vector<int>& moving) const {
  if (std::ranges::binary_search(moving, port)) return false;
  const int peer = state_.lit[port];
  if (peer < 0 || state_.config.forbids(peer)) return true;
  return state_.is_pin(port, peer) &&
         std::ranges::binary_search(joining, state_.config.server_of(peer));
}

void RegionController::on(const TenantRemove& remove) {
  Slice* slice = remove.tenant > 0 ? state_.find(remove.tenant) : nullptr;
  if (slice == nullptr || slice->leaving) return drop();
  slice->leaving = true;
  slice->replan = true;
  slice->running = 0;
  slice->next_phase = {};
  slice->next_demand = {};
  slice->next_outlook = {};
  if (slice->step == Step::kSettled) send_read(*slice);
}

}  // namespace mixnet
