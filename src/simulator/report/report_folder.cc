#include "report/report_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"
#include "figures/figure_folder.h"
#include "sweep/sweep_row.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSchema = "mixnet.sweep/1";

FlagValue flag_value(const nlohmann::json& value, const std::string& place) {
  if (value.is_null()) return std::nullopt;
  if (!value.is_string())
    throw Error(place, "is not a value of a flag", "values are texts or null");
  return value.get<std::string>();
}

void read_rows(const fs::path& path, ReportFolder& folder, Env& env) {
  const std::string text = read_text_file(path, env);
  std::vector<bool> is_known(folder.sweep->points);
  std::size_t number = 0;
  std::string_view rest = whole_rows(text);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    ReportRow row =
        read_report_row(*folder.sweep, line, fmt::format("{}:{}", path.string(), ++number));
    // A point that was run twice (--retry-failed, then a kill) counts once, as in the sweep.
    if (is_known[row.point]) continue;
    is_known[row.point] = true;
    folder.rows.push_back(std::move(row));
  }
  std::ranges::sort(folder.rows, {}, &ReportRow::point);
}

}  // namespace

std::size_t SweepHead::axis(std::string_view flag) const {
  return static_cast<std::size_t>(std::ranges::find(axes, flag, &ReportAxis::flag) - axes.begin());
}

void ReportFolder::note_file(const fs::path& file, Env& env) {
  WallTime time{};
  if (!env.modified(file, time)) newest = std::max(newest.value_or(time), time);
}

SweepHead read_sweep_head(std::string_view text, std::string_view input) {
  const nlohmann::json json = parse_json(text, input);
  const JsonReader reader(json, input);
  if (reader.string_or("schema", "") != kSchema) {
    throw Error(input, "is not of schema mixnet.sweep/1", "give a folder of 'mixnet sweep'");
  }
  SweepHead sweep;
  sweep.program = reader.at("program").string();
  sweep.command = reader.at("command").string();
  sweep.points = static_cast<std::size_t>(reader.at("points").integer(1));
  if (sweep.points > ReportFolder::kMostPoints) {
    throw Error(
        input, fmt::format("has {} points", sweep.points),
        fmt::format("a report takes up to {}; results.csv holds all", ReportFolder::kMostPoints));
  }
  // The order of the axes is that of the study, which the other parser forgets.
  const auto in_order = nlohmann::ordered_json::parse(text);
  const JsonReader axes = reader.at("axes");
  (void)axes.keys();  // an object
  for (const auto& item : in_order.at("axes").items()) {
    const JsonReader values = axes.at(item.key());
    if (values.size() == 0) throw Error(values.place(), "has no value");
    ReportAxis& axis = sweep.axes.emplace_back();
    axis.flag = item.key();
    for (const nlohmann::json& value : values.value()) {
      axis.values.push_back(flag_value(value, values.place()));
    }
  }
  const JsonReader fixed = reader.at("fixed");
  (void)fixed.keys();
  for (const auto& item : in_order.at("fixed").items()) {
    sweep.fixed.emplace_back(item.key(), flag_value(fixed.value().at(item.key()), fixed.place()));
  }
  return sweep;
}

ReportRow read_report_row(const SweepHead& sweep, std::string_view line, std::string_view input) {
  const nlohmann::json json = parse_json(line, input);
  const JsonReader reader(json, input);
  if (reader.at("schema").string() != kSchema) {
    throw Error(reader.at("schema").place(), "is not a row of mixnet.sweep/1");
  }
  ReportRow row;
  const auto most = static_cast<std::int64_t>(sweep.points);
  row.point = static_cast<std::size_t>(reader.at("point").integer(1, most) - 1);
  const JsonReader axes = reader.at("axes");
  if (axes.keys().size() != sweep.axes.size()) {
    throw Error(axes.place(), "has not the axes of sweep.json");
  }
  for (const ReportAxis& axis : sweep.axes) {
    const auto found = axes.value().find(axis.flag);
    if (found == axes.value().end()) {
      throw Error(axes.place(), fmt::format("has no '{}', which sweep.json names", axis.flag));
    }
    const auto value = std::ranges::find(axis.values, flag_value(*found, axes.place()));
    if (value == axis.values.end()) {
      throw Error(axes.place(),
                  fmt::format("has a '{}' that is none of those of sweep.json", axis.flag));
    }
    row.values.push_back(static_cast<std::size_t>(value - axis.values.begin()));
  }
  row.command = reader.at("command").string();
  const std::string status = reader.at("status").string();
  if (status == "ok") {
    row.run = read_report_run(reader.at("run"), read_report_plan(reader.at("plan")));
  } else if (status == "failed") {
    row.error = reader.at("error").string();
  } else {
    throw Error(reader.at("status").place(), "is a status that is not known",
                "'ok' and 'failed' are");
  }
  return row;
}

ReportFolder read_report_folder(const fs::path& path, Env& env) {
  if (env.kind(path) != Env::FileKind::kFolder) {
    throw Error(path.string(), "is not a folder", "give the folder that 'mixnet sweep' wrote");
  }
  const fs::path head = path / "sweep.json";
  const fs::path rows = path / "results.jsonl";
  ReportFolder folder;
  folder.figures = read_figure_folder(path, env);
  const bool has_rows = env.kind(rows) != Env::FileKind::kNone;
  for (const fs::path& file : {head, rows, path / "figures.json"}) folder.note_file(file, env);
  if (env.kind(head) != Env::FileKind::kNone) {
    folder.sweep = read_sweep_head(read_text_file(head, env), head.string());
    if (has_rows) read_rows(rows, folder, env);
  } else if (has_rows) {
    throw Error(head.string(), "is missing", "results.jsonl cannot be read without it");
  }
  if (folder.rows.empty() && folder.figures.empty()) {
    throw Error(path.string(), folder.sweep ? "holds no finished point" : "holds no results",
                "give a folder that 'mixnet sweep' or 'mixnet reproduce' wrote");
  }
  return folder;
}

}  // namespace mixnet
