#include "region/region_clock.h"

#include <algorithm>

namespace mixnet {
namespace {

void run_on(RegionState& state, Duration passed) {
  state.elapsed = std::min(state.elapsed + passed, kMostElapsed);
}

}  // namespace

Duration due_in(const RegionState& state) {
  Duration next = Duration::max();
  for (const Slice& slice : state.slices) {
    if (slice.step != Step::kSettled) next = std::min(next, slice.deadline);
    if (slice.running != 0) next = std::min(next, slice.running_until);
    if (slice.step == Step::kSettled && slice.waiting > 0) {
      next = std::min(next, state.token_at());
    }
  }
  for (const Suspicion& suspicion : state.suspicion) {
    if (suspicion.until > Duration::zero()) next = std::min(next, suspicion.until);
  }
  if (state.slices.front().step == Step::kSettled) next = std::min(next, state.next_audit);
  return std::max(Duration::zero(), next - state.elapsed);
}

void pass_time(RegionState& state, Instant now) {
  const Duration passed = now - state.now.value_or(now);
  state.now = now;
  if (passed <= Duration::zero()) return;
  const bool believed = passed <= kMostLate || passed <= due_in(state) + kMostLate;
  run_on(state, believed ? passed : due_in(state));
}

void resume(RegionState& state, Instant now) {
  const Duration away = now - state.now.value_or(now);
  state.now = now;
  // More than the longest hold makes no difference.
  run_on(state, std::clamp(away, Duration::zero(), kLongestHold));
}

}  // namespace mixnet
