// One point's result as a row: a line of results.jsonl (schema mixnet.sweep/1, docs/sweep.md).
//
//   {"schema": "mixnet.sweep/1", "point": 7, "axes": {"fabric": "mixnet"}, "status": "ok",
//    "command": "mixnet compare ...", "plan": {...}, "run": {...}}
//
// `point` counts from 1. A failed point has status "failed" and `error` in place of plan and run.
// Nothing in a row depends on when, where or beside what the point was run.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compare/comparison.h"
#include "sweep/sweep_plan.h"

namespace mixnet {

/// What came of a point: a JSON object of result fields, or else one line that says what was wrong.
struct PointOutcome {
  std::string fields;
  std::string error;

  bool ok() const { return error.empty(); }
};

/// The outcome of a point that is one run of a comparison: {"plan": {...}, "run": {...}} as in
/// mixnet.compare/1.
PointOutcome outcome_of(const Comparison& comparison, const ComparisonRun& run);

/// The row of `point`, ended by a line break.
std::string row_line(const SweepPlan& plan, std::size_t point, const PointOutcome& outcome);

/// What a line that row_line() wrote says of itself.
struct RowHead {
  std::size_t point = 0;  ///< from 0
  bool ok = false;
  std::string error;
};

/// `input` is where the line stands. Throws Error when it is no row of `plan`.
RowHead read_row(const SweepPlan& plan, std::string_view line, std::string_view input);

/// The whole lines of a results.jsonl, without what a kill (half a line) or a power failure (zeros)
/// left behind them.
std::string_view whole_rows(std::string_view text);

/// Rows as one CSV table. Columns are the paths of the JSON ("axes.fabric",
/// "run.exposed_seconds.ep"), in the order in which rows first have them; numbers are written as in
/// the JSON, what a row lacks is empty, and the elements of a list are separated by spaces.
std::string rows_csv(std::span<const std::string> lines);

}  // namespace mixnet
