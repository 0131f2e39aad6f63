// What a report is made from: the folder that `mixnet sweep` left (sweep_folder.h), finished or
// not, and figures.json of `mixnet reproduce`, where it is there.
//
// Here the rows are read as data, not as something to go on with: the study and the files it named
// need not exist any more. All of it is checked: every row has the axes of sweep.json with values
// that they have, and times, prices and names are what they should be. So whatever comes behind
// need not doubt a value; but texts (names, commands, errors) may hold anything.
//
// Plain values, about 1 kB a row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "figures/figure.h"
#include "report/report_run.h"

namespace mixnet {

/// A flag's value as it was written; none: the flag was left out.
using FlagValue = std::optional<std::string>;

struct ReportAxis {
  std::string flag;
  std::vector<FlagValue> values;  ///< at least one
};

/// sweep.json.
struct SweepHead {
  std::string program;
  std::string command;
  std::size_t points = 0;
  std::vector<ReportAxis> axes;
  std::vector<std::pair<std::string, FlagValue>> fixed;

  /// Index of the axis of `flag`; axes.size() when there is none.
  std::size_t axis(std::string_view flag) const;
};

struct ReportRow {
  std::size_t point = 0;            ///< from 0
  std::vector<std::size_t> values;  ///< by axis: which of its values
  std::string command;
  std::optional<ReportRun> run;  ///< none: the point failed
  std::string error;
};

struct ReportFolder {
  static constexpr std::size_t kMostPoints = 20'000;

  std::optional<SweepHead> sweep;
  std::vector<ReportRow> rows;  ///< by point, each once
  std::vector<Figure> figures;  ///< of figures.json; none where it is not there
  /// When the newest file of results changed; none where that is not known. Reports in the folder
  /// do not count.
  std::optional<WallTime> newest;
  std::string gpu;  ///< what the results are of, where they say so themselves; else ""

  /// Makes `newest` that of `file`, where it is newer.
  void note_file(const std::filesystem::path& file, Env& env);
};

/// `input` names the text in errors. Throws Error when it is no sweep.json.
SweepHead read_sweep_head(std::string_view json, std::string_view input);

/// One line of results.jsonl. Throws Error when it is no row of the sweep.
ReportRow read_report_row(const SweepHead& sweep, std::string_view line, std::string_view input);

/// Throws Error when `path` is no folder of results, holds no finished point and no figures, or
/// more than kMostPoints; and at the first broken line but for the half line that a kill may leave
/// at the end.
ReportFolder read_report_folder(const std::filesystem::path& path, Env& env = system_env());

}  // namespace mixnet
