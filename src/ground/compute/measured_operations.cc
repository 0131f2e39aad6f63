#include "compute/measured_operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/csv.h"
#include "base/env.h"
#include "base/error.h"
#include "base/text_fields.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr double kMostTokens = 1e13;  // or parameters
constexpr double kMostMilliseconds = 1e9;
constexpr std::int64_t kMostRanks = 1 << 20;
constexpr std::string_view kNone = "-";
constexpr std::string_view kForward = "predicted_forward_ms";
constexpr std::string_view kBackward = "predicted_backward_ms";
constexpr std::string_view kNumbers[] = {"tp",     "ep",         "micro_batch", "seq",
                                         "tokens", "forward_ms", "backward_ms", "flops_forward"};

/// Reads the cells of one row by the names of their columns.
class RowReader {
 public:
  RowReader(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  bool has(std::string_view column) const {
    const auto found = std::ranges::find(table_.header(), column);
    return found != table_.header().end() && !text(column).empty();
  }
  const std::string& text(std::string_view column) const {
    return table_.text(row_, table_.column(column));
  }
  std::string place(std::string_view column) const {
    return table_.place(row_, table_.column(column));
  }
  /// A whole number from 1; 1 where none is given.
  double count(std::string_view column, double most) const {
    if (!has(column)) return 1;
    return within(column, static_cast<double>(table_.integer(row_, table_.column(column), 1)),
                  most);
  }
  /// None where it is not given or zero.
  std::optional<double> milliseconds(std::string_view column) const {
    if (!has(column)) return std::nullopt;
    const double value = table_.number(row_, table_.column(column));
    if (value == 0) return std::nullopt;
    return within(column, value, kMostMilliseconds);
  }

 private:
  double within(std::string_view column, double value, double most) const {
    if (value <= most) return value;
    throw Error(place(column), fmt::format("{} is too large", text(column)),
                fmt::format("give at most {:g}", most));
  }

  const CsvTable& table_;
  std::size_t row_;
};

void check_columns(const CsvTable& table) {
  for (const std::string_view needed : {"model", "operation", "tokens"}) table.column(needed);
  std::set<std::string_view> seen = {kForward, kBackward};
  for (const std::string& column : table.header()) {
    if (seen.insert(column).second) continue;
    throw Error(table.input(),
                fmt::format("there are two columns '{}', or it is one of the answer", column),
                "give each column a name of its own");
  }
}

MeasuredOperation parse_row(const CsvTable& table, std::size_t row) {
  const RowReader reader(table, row);
  MeasuredOperation measured;
  for (std::size_t c = 0; c < table.columns(); ++c) measured.cells.push_back(table.text(row, c));
  measured.place = reader.place("model");
  measured.model = reader.text("model");
  OperationWork& work = measured.work;
  work.operation = parse<LayerOperation>(reader.text("operation"), reader.place("operation"));
  work.tp = static_cast<int>(reader.count("tp", kMostRanks));
  work.ep = static_cast<int>(reader.count("ep", kMostRanks));
  work.sequence = reader.count("seq", kMostTokens);
  if (!reader.has("tokens")) {
    throw Error(reader.place("tokens"), "is empty", "say how many tokens the operation sees");
  }
  work.tokens = reader.count("tokens", kMostTokens);
  if (reader.has("note") && reader.text("note").starts_with("loop")) {
    work.calls = ExpertCalls::kLoop;
  }
  measured.forward_ms = reader.milliseconds("forward_ms");
  measured.backward_ms = reader.milliseconds("backward_ms");
  return measured;
}

/// The models of the rows, each read once.
class Models {
 public:
  explicit Models(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const Model& of(const MeasuredOperation& row) {
    const auto known = models_.find(row.model);
    if (known != models_.end()) return known->second;
    try {
      Model model = find_model_beside(row.model, folder_);
      require_simulated(model);
      return models_.emplace(row.model, std::move(model)).first->second;
    } catch (const Error& error) {
      throw Error(row.place, error.what());
    }
  }

 private:
  std::filesystem::path folder_;
  std::map<std::string, Model> models_;
};

void check_fit(const Model& model, const MeasuredOperation& row) {
  const OperationWork& work = row.work;
  if (!has_operation(model, work.operation)) {
    throw Error(row.place, fmt::format("{} has no {}", model.name, to_string(work.operation)),
                "leave the row out");
  }
  if (work.operation != LayerOperation::kExperts) return;
  if (model.experts % work.ep == 0 || model.placed_experts % work.ep == 0) return;
  throw Error(row.place,
              fmt::format("the {} experts of {} do not go on ep {} ranks", model.experts,
                          model.name, work.ep),
              "give an ep that divides them");
}

double milliseconds(Time time) { return time.to_seconds() * 1e3; }

std::optional<double> error_of(Time predicted, std::optional<double> measured_ms) {
  if (!measured_ms) return std::nullopt;
  return milliseconds(predicted) / *measured_ms - 1;
}

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

nlohmann::ordered_json json_cell(std::string_view column, const std::string& cell) {
  if (std::ranges::find(kNumbers, column) == std::end(kNumbers)) return cell;
  if (cell.empty()) return nullptr;
  if (const auto whole = number_in<std::int64_t>(cell)) return *whole;
  const auto number = number_in<double>(cell);
  if (number && std::isfinite(*number)) return *number;
  return cell;
}

nlohmann::ordered_json optional_json(const std::optional<double>& value) {
  if (!value) return nullptr;
  return *value;
}

}  // namespace

MeasuredOperations parse_measured_operations(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  check_columns(table);
  MeasuredOperations measured;
  measured.columns = table.header();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    measured.rows.push_back(parse_row(table, row));
  }
  return measured;
}

std::vector<PredictedOperation> predict_operations(const MeasuredOperations& measured,
                                                   const ComputeRates& rates,
                                                   const std::filesystem::path& folder) {
  Models models(folder);
  std::vector<PredictedOperation> predicted;
  for (const MeasuredOperation& row : measured.rows) {
    const bool is_of_none = row.work.operation == LayerOperation::kOptimizer &&
                            (row.model == kNone || row.model.empty());
    const Model none;
    const Model& model = is_of_none ? none : models.of(row);
    check_fit(model, row);
    const OperationTime time = operation_time(model, row.work, rates);
    predicted.push_back(
        {time, error_of(time.forward, row.forward_ms), error_of(time.backward, row.backward_ms)});
  }
  return predicted;
}

std::vector<OperationErrors> operation_errors(const MeasuredOperations& measured,
                                              const std::vector<PredictedOperation>& predicted) {
  struct Errors {
    std::string_view operation;
    std::size_t rows = 0;
    std::vector<double> forward;
    std::vector<double> backward;
  };
  std::vector<Errors> kinds;
  Errors all = {"all", 0, {}, {}};
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const std::string_view name = to_string(measured.rows[i].work.operation);
    auto kind = std::ranges::find(kinds, name, &Errors::operation);
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), Errors{name, 0, {}, {}});
    for (Errors* errors : {&*kind, &all}) {
      ++errors->rows;
      if (const auto error = predicted[i].forward_error) {
        errors->forward.push_back(std::abs(*error));
      }
      if (const auto error = predicted[i].backward_error) {
        errors->backward.push_back(std::abs(*error));
      }
    }
  }
  kinds.push_back(std::move(all));
  std::vector<OperationErrors> summary;
  for (const Errors& kind : kinds) {
    summary.push_back(
        {std::string(kind.operation), kind.rows, median(kind.forward), median(kind.backward)});
  }
  return summary;
}

std::string operations_to_json(const MeasuredOperations& measured,
                               const std::vector<PredictedOperation>& predicted, const Gpu& gpu,
                               Precision precision) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    Json row = Json::object();
    for (std::size_t c = 0; c < measured.columns.size(); ++c) {
      row[measured.columns[c]] = json_cell(measured.columns[c], measured.rows[i].cells[c]);
    }
    row[std::string(kForward)] = milliseconds(predicted[i].time.forward);
    row[std::string(kBackward)] = milliseconds(predicted[i].time.backward);
    rows.push_back(std::move(row));
  }
  Json medians = Json::array();
  for (const OperationErrors& kind : operation_errors(measured, predicted)) {
    medians.push_back({{"operation", kind.operation},
                       {"rows", kind.rows},
                       {"forward_median_absolute_error", optional_json(kind.forward_median)},
                       {"backward_median_absolute_error", optional_json(kind.backward_median)}});
  }
  const Json document = {{"schema", "mixnet.compute/1"},
                         {"gpu", gpu.name},
                         {"precision", to_string(precision)},
                         {"rows", rows},
                         {"medians", medians}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mixnet
