// How the controller's stopwatch follows the clock of the machine that it runs on.
//
// That clock is Unix time, and it may be set: back by an hour, forward by a day; whoever goes on
// from a snapshot finds it years later. Deadlines must neither stand still for that hour nor all be
// due on that day. So they are moments of a stopwatch, RegionState::elapsed, which begins at zero,
// only runs forward, and at every event takes over how far the clock has gone since the one before:
//   forward, at most kMostLate beyond the earliest deadline   all of it; what is due by then fires
//   forward by more     the clock was set, or the machine has slept: as much as was left to the
//                       earliest deadline. That one fires; the others stay as far behind it as
//                       they were
//   back, or not        nothing; all deadlines stay as far away as they were at the event before
// So a deadline that a step of the clock finds pending comes late by no more than the time between
// two events, and early by no more than was left to the earliest one plus kMostLate.
//
// Whoever waits for a deadline should sleep for due_in(), by a clock that nobody sets, rather than
// until a time of day.
//
// The stopwatch lasts kMostElapsed; then it stands still. Pure functions; O(ports).
#pragma once

#include "base/instant.h"
#include "region/region_state.h"

namespace mixnet {

inline constexpr Duration kMostLate = Duration::seconds(60);
/// The longest hold of a suspect port; no deadline is further away.
inline constexpr Duration kLongestHold =
    RegionConfig::kLongestSpan * (std::int64_t{2} << RegionConfig::kMaxDoublings);
inline constexpr Duration kMostElapsed = Duration::days(365 * 250);
static_assert(kMostElapsed + kLongestHold < Duration::max());

/// What is left to the earliest deadline: after that a Tick is due. Zero: at once.
Duration due_in(const RegionState& state);

/// `now`: of an event that is handed in.
void pass_time(RegionState& state, Instant now);

/// Before the first event after a restart: the time since the last one has really passed, all of
/// it, and what was due meanwhile fires, once.
void resume(RegionState& state, Instant now);

}  // namespace mixnet
