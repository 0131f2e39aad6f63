// Any text is refused with an Error, or read as a head and rows of a sweep in which nothing is out
// of range, which can be averaged and summed up. The first line is the head; without one, the rows
// are those of a small study. All of it may be the document of a comparison, as well.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "report/report_axis.h"
#include "report/report_comparison.h"
#include "report/report_folder.h"
#include "report/report_header.h"
#include "report/report_summary.h"
#include "report/test_report_folder.h"
#include "sweep/sweep_plan.h"
#include "sweep/sweep_row.h"

namespace {

using namespace mixnet;

void check(const SweepHead& sweep, const ReportRow& row) {
  if (row.point >= sweep.points || row.values.size() != sweep.axes.size()) std::abort();
  for (std::size_t a = 0; a < row.values.size(); ++a) {
    if (row.values[a] >= sweep.axes[a].values.size()) std::abort();
  }
  if (!row.run) return;
  const ReportRun& run = *row.run;
  if (run.iteration <= Time::zero() || run.bandwidth.bits_per_second < 0 || run.gpus < 1) {
    std::abort();
  }
  for (const Time part :
       {run.compute, run.ep, run.tp, run.pp, run.dp, run.reconfiguration, run.bubble, run.lost}) {
    if (part < Time::zero()) std::abort();
  }
  if (run.network_cost_usd && !(*run.network_cost_usd >= 0)) std::abort();
}

/// What is said of rows in which nothing is out of range holds for any of them.
void check_words(const ReportFolder& folder) {
  if (folder.rows.empty()) return;
  if (summarize(*folder.sweep, folder.rows).headline.empty()) std::abort();
  (void)header_facts(folder, "");
}

void read_as_comparison(std::string_view text) {
  try {
    const ReportFolder folder = read_report_comparison(text, "fuzz");
    if (folder.rows.empty() || folder.rows.size() != folder.sweep->points) std::abort();
    for (const ReportRow& row : folder.rows) check(*folder.sweep, row);
    check_words(folder);
  } catch (const Error&) {
  }
}

SweepHead head_of(std::string_view line) {
  try {
    SweepHead sweep = read_sweep_head(line, "fuzz");
    for (const ReportAxis& axis : sweep.axes) {
      const auto scale = axis_scale(axis);
      if (axis.values.empty() || (scale && scale->numbers.size() != axis.values.size())) {
        std::abort();
      }
    }
    return sweep;
  } catch (const Error&) {
    return read_sweep_head(testing_reports::kSweepJson, "sweep.json");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  read_as_comparison(text);
  ReportFolder folder;
  const SweepHead& sweep = folder.sweep.emplace(head_of(text.substr(0, text.find('\n'))));
  text = whole_rows(text);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    try {
      ReportRow row = read_report_row(sweep, line, "fuzz");
      check(sweep, row);
      (void)shell_words(row.command, "fuzz");
      const auto is_same = [&](const ReportRow& other) { return other.point == row.point; };
      if (std::ranges::none_of(folder.rows, is_same)) folder.rows.push_back(std::move(row));
    } catch (const Error&) {
    }
  }
  check_words(folder);
  return 0;
}
