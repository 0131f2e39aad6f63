// The regional controller's state as one JSON document, and back.
//
// A controller resumed from a snapshot gives the same decisions as the one that wrote it (tested
// from every kind of state). Reading is strict: a document of another version, a missing or wrong
// key, a number out of range or a state that breaks an invariant is refused with an Error that
// names the key. Healthy parts and dark ports are not written. Pure functions.
//
// Version 4 has what operators want: forbidden ports, a cap, drained servers, pins, a hold. Version
// 3 is still read: there was none of it. It has a policy and what that needs to know. Version 2 is
// still read: its policy was to move at once (block). It counts in nanoseconds: `now`, Unix time or
// null, and `elapsed`, the stopwatch of all deadlines (region_clock.h). Version 1 is still read: it
// counted picoseconds, and its one clock, `now`, was nobody's time of day, so that it becomes the
// stopwatch.
#pragma once

#include <string>
#include <string_view>

#include "region/region_state.h"

namespace mixnet {

inline constexpr int kSnapshotVersion = 4;

std::string write_snapshot(const RegionState& state);

/// `input` names the file in errors. Throws Error.
RegionState read_snapshot(std::string_view text, std::string_view input);

}  // namespace mixnet
