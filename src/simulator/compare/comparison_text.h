// A comparison as text: JSON and CSV for programs, two lines for people. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "compare/comparison.h"

namespace mixnet {

/// Three lines: the model and its plan; routing, policy and fidelity; memory.
std::string describe_job(const Comparison& comparison, const ComparisonRequest& request);

/// Schema mixnet.compare/1, docs/compare.md. Both end with a line break. `program`: by which it was
/// made, with its version.
std::string to_json(const Comparison& comparison, std::string_view program);
std::string to_csv(const Comparison& comparison);

/// Parts of that document: its plan, and one of its runs.
nlohmann::ordered_json parallel_plan_json(const ParallelPlan& plan);
nlohmann::ordered_json run_json(const Comparison& comparison, const ComparisonRun& run);

}  // namespace mixnet
