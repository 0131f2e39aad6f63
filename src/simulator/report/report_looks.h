// What rows do not hold, asked for again by their own command lines: on which GPU they ran, and
// traffic, circuits and the course of a layer, for one run on MixNet of each model.
//
// A command line may name files that are gone by now, or come from elsewhere; then what it would
// tell is missing, or says why, and the rest of the report stands without it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compare/comparison.h"
#include "report/report_folder.h"

namespace mixnet {

/// What the words behind `mixnet compare` ask for. Throws Error.
using ParseRun = std::function<ComparisonRequest(const std::vector<std::string>& words)>;

/// That of the first run, as people write it ("NVIDIA H100 SXM5 80 GB"); "" where nothing says it.
std::string gpu_title(const ReportFolder& folder, const ParseRun& parse);

/// By model, the first of its points on MixNet; of their speeds the one nearest to 400 Gb/s; up to
/// eight. Simulates each, in the fluid. The folder must hold a sweep.
nlohmann::ordered_json looks_json(const ReportFolder& folder, const ParseRun& parse);

}  // namespace mixnet
