#include "report/report_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/number_text.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMostEpoch = 9'000'000'000;  // in 2255: soon after, WallTime ends

using Number = std::int64_t (*)(const ReportRun& run);

/// "8", or "8 to 32" where the runs differ. At least one row has a run.
std::string range_of(const ReportFolder& folder, Number number) {
  std::int64_t least = INT64_MAX;
  std::int64_t most = 0;
  for (const ReportRow& row : folder.rows) {
    if (!row.run) continue;
    least = std::min(least, number(*row.run));
    most = std::max(most, number(*row.run));
  }
  const std::string text = grouped(static_cast<double>(least));
  return least == most ? text : fmt::format("{} to {}", text, grouped(static_cast<double>(most)));
}

std::string models_of(const ReportFolder& folder) {
  std::vector<std::string> names;
  std::string text;
  for (const ReportRow& row : folder.rows) {
    if (!row.run || std::ranges::find(names, row.run->model) != names.end()) continue;
    names.push_back(row.run->model);
    text += (names.size() > 1 ? ", " : "") + names.back();
  }
  return text;
}

/// The values of an axis `gpu`, which is what varies; else the one GPU.
std::string gpu_of(const ReportFolder& folder, std::string_view gpu) {
  const std::size_t axis = folder.sweep->axis("gpu");
  if (axis == folder.sweep->axes.size() || folder.sweep->axes[axis].values.size() < 2) {
    return std::string(gpu);
  }
  std::string text;
  for (const FlagValue& value : folder.sweep->axes[axis].values) {
    text += (text.empty() ? "" : " or ") + value.value_or("the default");
  }
  return text;
}

}  // namespace

std::vector<ReportFact> header_facts(const ReportFolder& folder, std::string_view gpu) {
  std::vector<ReportFact> facts;
  const bool has_runs =
      std::ranges::any_of(folder.rows, [](const ReportRow& row) { return row.run.has_value(); });
  if (folder.sweep && has_runs) {
    const auto range = [&](Number number) { return range_of(folder, number); };
    facts.push_back({"Model", models_of(folder)});
    const std::string gpus = range([](const ReportRun& run) { return run.gpus; });
    const std::string kind = gpu_of(folder, gpu);
    facts.push_back({"GPUs", kind.empty() ? gpus : fmt::format("{} x {}", gpus, kind)});
    facts.push_back(
        {"Plan",
         fmt::format("TP {}, PP {}, EP {}, DP {}",
                     range([](const ReportRun& run) { return std::int64_t{run.plan.tp}; }),
                     range([](const ReportRun& run) { return std::int64_t{run.plan.pp}; }),
                     range([](const ReportRun& run) { return std::int64_t{run.plan.ep}; }),
                     range([](const ReportRun& run) { return std::int64_t{run.plan.dp}; }))});
    facts.push_back(
        {"Batch",
         fmt::format("global {}, micro {}, sequences of {} tokens",
                     range([](const ReportRun& run) { return run.plan.global_batch_size; }),
                     range([](const ReportRun& run) { return run.plan.micro_batch_size; }),
                     range([](const ReportRun& run) { return run.plan.seq_length; }))});
  }
  if (folder.sweep && !folder.sweep->program.empty()) {
    facts.push_back({"Simulated by", folder.sweep->program});
  }
  if (folder.newest) facts.push_back({"Results of", day_of(*folder.newest)});
  return facts;
}

std::string day_of(WallTime time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

WallTime parse_epoch(std::string_view text, std::string_view input) {
  const auto seconds = number_in<std::int64_t>(text);
  if (!seconds || *seconds < 0 || *seconds > kMostEpoch) {
    throw Error(input, fmt::format("'{}' is no time", text),
                "give whole seconds since 1970, as of 'date +%s'");
  }
  return WallTime(std::chrono::seconds(*seconds));
}

}  // namespace mixnet
