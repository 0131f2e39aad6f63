// The regional controller's state as one JSON document, and back.
//
// A controller resumed from a snapshot gives the same decisions as the one that wrote it (tested
// from every kind of state). Reading is strict: a document of another version, a missing or wrong
// key, a number out of range or a state that breaks an invariant is refused with an Error that
// names the key. Healthy parts and dark ports are not written. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "region/region_state.h"

namespace mixnet {

inline constexpr int kSnapshotVersion = 1;

std::string write_snapshot(const RegionState& state);

/// `input` names the file in errors. Throws Error.
RegionState read_snapshot(std::string_view text, std::string_view input);

}  // namespace mixnet
