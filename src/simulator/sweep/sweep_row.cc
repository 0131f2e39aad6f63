#include "sweep/sweep_row.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/csv.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "compare/comparison_text.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kSchema = "mixnet.sweep/1";

/// On one line. Texts of an error may hold anything.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string plain(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : dump(value);
}

/// The cells of rows, by column. Columns are numbered as they appear.
class CsvColumns {
 public:
  using Row = std::vector<std::pair<std::size_t, std::string>>;

  void add(const std::string& path, const Json& value, Row& row) {
    if (value.is_object()) {
      for (const auto& [key, part] : value.items()) {
        add(path.empty() ? key : fmt::format("{}.{}", path, key), part, row);
      }
      return;
    }
    std::string text = plain(value);
    if (value.is_array()) {
      text.clear();
      for (const Json& element : value) {
        if (!text.empty()) text += ' ';
        text += plain(element);
      }
    }
    const auto [place, is_new] = numbers_.try_emplace(path, names_.size());
    if (is_new) names_.push_back(path);
    row.emplace_back(place->second, csv_cell(text));
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> numbers_;
};

}  // namespace

PointOutcome outcome_of(const Comparison& comparison, const ComparisonRun& run) {
  PointOutcome outcome;
  outcome.fields =
      dump({{"plan", parallel_plan_json(comparison.plan)}, {"run", run_json(comparison, run)}});
  return outcome;
}

std::string row_line(const SweepPlan& plan, std::size_t point, const PointOutcome& outcome) {
  Json row = {{"schema", kSchema},
              {"point", point + 1},
              {"axes", plan.axes(point)},
              {"status", outcome.ok() ? "ok" : "failed"},
              {"command", plan.command_line(point)}};
  if (outcome.ok()) {
    row.update(Json::parse(outcome.fields));
  } else {
    row["error"] = outcome.error;
  }
  return dump(row) + "\n";
}

RowHead read_row(const SweepPlan& plan, std::string_view line, std::string_view input) {
  const auto refuse = [&](std::string_view problem) -> Error {
    return {input, problem, "give another folder, or remove the line: its point is then run again"};
  };
  const nlohmann::json json = parse_json(line, input);
  const JsonReader row(json, input);
  if (row.at("schema").string() != kSchema) throw refuse("is not a row of mixnet.sweep/1");
  const auto most = static_cast<std::int64_t>(plan.points());
  RowHead head;
  head.point = static_cast<std::size_t>(row.at("point").integer(1, most) - 1);
  if (row.at("axes").value() != nlohmann::json(plan.axes(head.point))) {
    throw refuse("is a row of another study");
  }
  const std::string status = row.at("status").string();
  if (status != "ok" && status != "failed") throw refuse("has a status that is not known");
  head.ok = status == "ok";
  if (!head.ok) head.error = row.at("error").string();
  return head;
}

std::string_view whole_rows(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  const std::size_t end = text.rfind('\n');
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

std::string rows_csv(std::span<const std::string> lines) {
  CsvColumns columns;
  std::vector<CsvColumns::Row> rows(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Json row = Json::parse(lines[i]);
    row.erase("schema");
    columns.add({}, row, rows[i]);
  }
  std::string text = fmt::format("{}\n", fmt::join(columns.names(), ","));
  std::vector<std::string> cells;
  for (CsvColumns::Row& row : rows) {
    cells.assign(columns.names().size(), {});
    for (auto& [column, cell] : row) cells[column] = std::move(cell);
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

}  // namespace mixnet
