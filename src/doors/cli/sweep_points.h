// The points of a sweep as runs of `mixnet compare`: which flags a study may set, and how points
// are run. A point is one fabric at one speed.
//
// Points that differ only in these two, and are fluid, are run in one comparison, which simulates
// what they share once; each row is still what its own command line would give. In packets they are
// run one by one: there, fabrics of one comparison share simulated phases, and a run counts those
// that it reused.
//
// The functions are thread-safe.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.h"
#include "sweep/study_file.h"
#include "sweep/sweep.h"
#include "sweep/sweep_plan.h"

namespace mixnet::cli {

/// What `mixnet compare WORDS...` would simulate. Throws Error on words that are wrong, or that
/// name an output (--json, --csv).
ComparisonRequest comparison_request(const std::vector<std::string>& arguments);

/// The flags of `mixnet compare` but for its outputs.
std::vector<StudyFlag> study_flags();

/// The plan of the study `text`: without `fabric`, all default fabrics are an axis. Throws Error,
/// with its place in the text, on every value that can be right in no point.
SweepPlan plan_sweep(std::string_view text, std::string_view input);

/// Points with the same group may be run together.
std::string point_group(const std::vector<std::string>& arguments);

/// Runs points of one group.
std::vector<PointOutcome> run_points(const PointArguments& points, int threads);

}  // namespace mixnet::cli
