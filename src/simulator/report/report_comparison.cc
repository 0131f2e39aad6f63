#include "report/report_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWanted =
    "give the folder that 'mixnet sweep' or 'mixnet reproduce' wrote, or the file of 'mixnet "
    "compare --json FILE'";

/// Where `value` is among those of the axis, at the end of which it is added where it is new.
std::size_t place_on(ReportAxis& axis, std::string value) {
  const auto found = std::ranges::find(axis.values, value);
  const auto place = static_cast<std::size_t>(found - axis.values.begin());
  if (found == axis.values.end()) axis.values.emplace_back(std::move(value));
  return place;
}

void read_runs(const JsonReader& runs, const ParallelPlan& plan, ReportFolder& folder) {
  std::vector<ReportAxis>& axes = folder.sweep->axes;
  axes = {{"bandwidth", {}}, {"fabric", {}}};
  std::set<std::vector<std::size_t>> known;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const JsonReader json = runs.at(i);
    ReportRow row;
    row.point = i;
    row.run = read_report_run(json, plan);
    if (i > 0 && row.run->model != folder.rows[0].run->model) {
      throw Error(json.at("model").place(),
                  fmt::format("is '{}' where the first run's is '{}'", row.run->model,
                              folder.rows[0].run->model),
                  "a comparison is of one model");
    }
    row.values = {place_on(axes[0], fmt::format("{}Gbps", row.run->bandwidth.to_gbps())),
                  place_on(axes[1], std::string(to_string(row.run->fabric)))};
    if (!known.insert(row.values).second) {
      throw Error(json.place(),
                  fmt::format("has {} at {} a second time", to_string(row.run->fabric),
                              to_string(row.run->bandwidth)));
    }
    folder.rows.push_back(std::move(row));
  }
}

}  // namespace

ReportFolder read_report_comparison(std::string_view text, std::string_view input) {
  const nlohmann::json json = parse_json(text, input);
  if (!json.is_object() || json.value("schema", nlohmann::json()) != "mixnet.compare/1") {
    throw Error(input, "is not of schema mixnet.compare/1", kWanted);
  }
  const JsonReader reader(json, input);
  const JsonReader runs = reader.at("runs");
  if (runs.size() == 0) throw Error(runs.place(), "holds no run");
  if (runs.size() > ReportFolder::kMostPoints) {
    throw Error(runs.place(), fmt::format("holds {} runs", runs.size()),
                fmt::format("a report takes up to {}", ReportFolder::kMostPoints));
  }
  ReportFolder folder;
  SweepHead& sweep = folder.sweep.emplace();
  sweep.program = reader.string_or("program", "");
  sweep.command = "mixnet compare";
  sweep.points = runs.size();
  folder.gpu = reader.string_or("gpu", "");
  read_runs(runs, read_report_plan(reader.at("plan")), folder);
  const ReportRun& run = *folder.rows[0].run;
  sweep.fixed = {{"model", run.model},
                 {"gpus", fmt::format("{}", run.gpus)},
                 {"seed", fmt::format("{}", run.seed)}};
  return folder;
}

ReportFolder read_results(const fs::path& path, Env& env) {
  switch (env.kind(path)) {
    case Env::FileKind::kFolder:
      return read_report_folder(path, env);
    case Env::FileKind::kNone:
      throw Error(path.string(), "is not there", kWanted);
    case Env::FileKind::kFile:
    case Env::FileKind::kOther:
    case Env::FileKind::kHidden:
      break;
  }
  ReportFolder folder = read_report_comparison(read_text_file(path, env), path.string());
  // A pipe changed just now, whatever came through it.
  if (env.kind(path) == Env::FileKind::kFile) folder.note_file(path, env);
  return folder;
}

}  // namespace mixnet
