// What `mixnet compare --json FILE` wrote, as something to report: a sweep over fabrics and speeds.
//
// The document is read by its format (mixnet.compare/1, docs/compare.md) and checked as rows of a
// sweep are: what comes behind need not doubt a value. Axes are the fabrics and speeds in the order
// in which the runs have them; every run is a point. Runs have no command lines, so nothing can be
// simulated again.
#pragma once

#include <filesystem>
#include <string_view>

#include "report/report_folder.h"

namespace mixnet {

/// `input` names the text in errors. Throws Error when it is no mixnet.compare/1 document, holds no
/// run or over ReportFolder::kMostPoints, has runs of two models, or one fabric at one speed twice.
ReportFolder read_report_comparison(std::string_view json, std::string_view input);

/// What `path` leads to: a folder (read_report_folder) or the file of a comparison. Throws Error
/// when it is none of the two.
ReportFolder read_results(const std::filesystem::path& path, Env& env = system_env());

}  // namespace mixnet
