#include "report/report_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
constexpr double kMostSeconds = 9e6;  // that a Time holds
constexpr double kMostGbps = 9e9;     // that a Bandwidth holds

FlagValue flag_value(const nlohmann::json& value, const std::string& place) {
  if (value.is_null()) return std::nullopt;
  if (!value.is_string())
    throw Error(place, "is not a value of a flag", "values are texts or null");
  return value.get<std::string>();
}

Time time_at(const JsonReader& parent, std::string_view key) {
  const JsonReader value = parent.at(key);
  const double seconds = value.number();
  if (seconds > kMostSeconds) {
    throw Error(value.place(), fmt::format("{} s is no time of an iteration", seconds));
  }
  return Time::from_seconds(seconds);
}

std::optional<double> number_or_none(const JsonReader& parent, std::string_view key) {
  if (!parent.has(key)) return std::nullopt;
  return parent.at(key).number();
}

ParallelPlan read_plan(const JsonReader& json) {
  const auto size = [&](std::string_view key) {
    return static_cast<int>(json.at(key).integer(1, 1 << 30));
  };
  ParallelPlan plan;
  plan.tp = size("tp");
  plan.pp = size("pp");
  plan.ep = size("ep");
  plan.dp = size("dp");
  plan.gpus_per_server = size("gpus_per_server");
  plan.micro_batch_size = json.at("micro_batch_size").integer(1);
  plan.global_batch_size = json.at("global_batch_size").integer(1);
  plan.seq_length = json.at("seq_length").integer(1);
  return plan;
}

ReportRun read_run(const JsonReader& json) {
  ReportRun run;
  run.model = json.at("model").string();
  run.fabric = parse<FabricKind>(json.at("fabric").string(), json.at("fabric").place());
  const JsonReader speed = json.at("bandwidth_gbps");
  const double gbps = speed.number();
  if (!(gbps > 0 && gbps <= kMostGbps)) {
    throw Error(speed.place(), fmt::format("{} Gb/s is no speed of a NIC", gbps));
  }
  run.bandwidth.bits_per_second = std::llround(gbps * 1e9);
  run.gpus = json.at("gpus").integer(1);
  run.iteration = time_at(json, "iteration_seconds");
  if (run.iteration == Time::zero()) {
    throw Error(json.at("iteration_seconds").place(), "an iteration takes longer than 0 s");
  }
  run.compute = time_at(json, "compute_seconds");
  const JsonReader exposed = json.at("exposed_seconds");
  run.ep = time_at(exposed, "ep");
  run.tp = time_at(exposed, "tp");
  run.pp = time_at(exposed, "pp");
  run.dp = time_at(exposed, "dp");
  run.reconfiguration = time_at(exposed, "reconfiguration");
  run.bubble = time_at(exposed, "bubble");
  if (json.has("lost_seconds")) run.lost = time_at(json, "lost_seconds");
  run.tokens_per_second = json.at("tokens_per_second").number();
  run.network_cost_usd = number_or_none(json, "network_cost_usd");
  run.performance_per_dollar = number_or_none(json, "performance_per_dollar_vs_fat_tree");
  run.cluster_cost_usd = number_or_none(json, "cluster_cost_usd");
  run.tokens_per_usd = number_or_none(json, "tokens_per_usd");
  run.performance_per_total_dollar =
      number_or_none(json, "performance_per_total_dollar_vs_fat_tree");
  run.routing = json.at("routing").string();
  run.policy = json.at("policy").string();
  run.fidelity = json.at("fidelity").string();
  run.seed = json.at("seed").integer();
  return run;
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
    row.run = read_run(reader.at("run"));
    row.run->plan = read_plan(reader.at("plan"));
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
