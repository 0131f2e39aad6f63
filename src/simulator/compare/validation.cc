#include "compare/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "base/csv.h"
#include "base/error.h"
#include "base/progress.h"
#include "compare/comparison.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"

namespace mixnet {
namespace {

constexpr double kSmallestScale = 1e-4;
constexpr double kLargestScale = 1e3;
constexpr double kShortestTime = 1e-9;  // in any series' unit: beyond is a slip of the pen
constexpr double kLongestTime = 1e9;

/// Fits a scale on compute and the unit to (bandwidth, published) points of one fabric.
class ScaleFit {
 public:
  ScaleFit(const TrainingJob& job, std::vector<PublishedTime> points)
      : job_(job), points_(std::move(points)) {}

  ModelFit best(std::string model) const {
    // The misfit over the scale has one valley: compute flattens the series, and less of it bends
    // it. A coarse scan finds the valley, golden section its bottom.
    constexpr int kSteps = 70;
    const double step = std::log(kLargestScale / kSmallestScale) / kSteps;
    int lowest = 0;
    double least = INFINITY;
    for (int i = 0; i <= kSteps; ++i) {
      const double misfit = misfit_at(std::log(kSmallestScale) + i * step);
      if (misfit < least) least = misfit, lowest = i;
    }
    double low = std::log(kSmallestScale) + std::max(0, lowest - 1) * step;
    double high = std::log(kSmallestScale) + std::min(kSteps, lowest + 1) * step;
    constexpr double kGolden = 0.6180339887498949;
    for (int i = 0; i < 60; ++i) {
      const double left = high - kGolden * (high - low);
      const double right = low + kGolden * (high - low);
      misfit_at(left) <= misfit_at(right) ? high = right : low = left;
    }
    const double scale = std::exp((low + high) / 2);
    return {std::move(model), scale, std::exp(log_unit(scale))};
  }

 private:
  double log_seconds(const PublishedTime& point, double scale) const {
    return std::log(job_.simulate(point.fabric, point.bandwidth, scale).total.to_seconds());
  }
  double log_unit(double scale) const {
    double sum = 0;
    for (const PublishedTime& point : points_) {
      sum += log_seconds(point, scale) - std::log(point.time);
    }
    return sum / static_cast<double>(points_.size());
  }
  double misfit_at(double log_scale) const {
    const double scale = std::exp(log_scale);
    const double unit = log_unit(scale);
    double sum = 0;
    for (const PublishedTime& point : points_) {
      sum += std::pow(log_seconds(point, scale) - std::log(point.time) - unit, 2);
    }
    return sum;
  }

  const TrainingJob& job_;
  std::vector<PublishedTime> points_;
};

std::vector<PublishedTime> fat_tree_points(const ValidationRequest& request,
                                           const std::string& model) {
  std::vector<PublishedTime> points;
  std::set<Bandwidth> speeds;
  for (const PublishedTime& row : request.fit) {
    if (row.model != model || row.fabric != FabricKind::kFatTree) continue;
    points.push_back(row);
    speeds.insert(row.bandwidth);
  }
  if (speeds.size() < 2) {
    throw Error(request.fit_input,
                fmt::format("has fat_tree at {} bandwidths for '{}'", speeds.size(), model),
                "two are needed to fit the compute time and the unit");
  }
  return points;
}

std::vector<FabricError> errors_by_fabric(const std::vector<ValidationRow>& rows) {
  std::map<FabricKind, std::vector<double>> errors;
  for (const ValidationRow& row : rows) {
    errors[row.published.fabric].push_back(std::abs(row.error()));
  }
  std::vector<FabricError> summary;
  for (auto& [fabric, values] : errors) {
    std::ranges::sort(values);
    const std::size_t n = values.size();
    const double median = (values[(n - 1) / 2] + values[n / 2]) / 2;
    summary.push_back({fabric, median, values.back(), n});
  }
  return summary;
}

}  // namespace

std::vector<PublishedTime> parse_published(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  const std::size_t model = table.column("model");
  const std::size_t speed = table.column("bandwidth_gbps");
  std::vector<std::pair<std::size_t, FabricKind>> fabrics;
  for (std::size_t c = 0; c < table.columns(); ++c) {
    if (c == model || c == speed) continue;
    std::string name = table.header()[c];
    std::ranges::replace(name, '_', '-');
    const FabricKind fabric = parse<FabricKind>(name, fmt::format("{} (header)", input));
    if (divides_gpu_bandwidth(fabric)) {
      throw Error(fmt::format("{} (header)", input),
                  fmt::format("'{}' is made of domains, not of a model's default servers", name),
                  "leave the column out; mixnet compare simulates it");
    }
    fabrics.emplace_back(c, fabric);
  }
  if (fabrics.empty()) throw Error(input, "has no column for any fabric", "add one: fat_tree");
  std::vector<PublishedTime> times;
  std::set<std::tuple<std::string, Bandwidth, FabricKind>> known;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const double gbps = table.number(row, speed, 1e-3);
    if (gbps > 1e6) throw Error(table.place(row, speed), "more than 1000 Tb/s");
    for (const auto& [column, fabric] : fabrics) {
      if (table.text(row, column).empty()) continue;
      const double time = table.number(row, column);
      if (!(time >= kShortestTime && time <= kLongestTime)) {
        throw Error(table.place(row, column), fmt::format("{} is not a time", time),
                    fmt::format("give a number from {} to {}", kShortestTime, kLongestTime));
      }
      const Bandwidth bandwidth{std::llround(gbps * 1e9)};
      if (!known.emplace(table.text(row, model), bandwidth, fabric).second) {
        throw Error(table.place(row, column),
                    fmt::format("'{}' at {} was given before", table.text(row, model),
                                to_string(bandwidth)),
                    "give each case once");
      }
      times.push_back({table.text(row, model), bandwidth, fabric, time});
    }
  }
  return times;
}

IterationOptions published_settings() {
  IterationOptions options;
  options.reconfiguration = Reconfiguration::kHidden;
  // The authors' task graphs send activations as tasks of their own, which nothing waits for but
  // the receiver's next task.
  options.schedule = PipelineSchedule::kEager1F1B;
  return options;
}

Validation validate(const ValidationRequest& request) {
  std::vector<std::string> models;
  std::set<FabricKind> kinds = {FabricKind::kFatTree};
  for (const PublishedTime& row : request.published) {
    if (std::ranges::find(models, row.model) == models.end()) models.push_back(row.model);
    kinds.insert(row.fabric);
  }
  const std::vector<FabricKind> fabrics(kinds.begin(), kinds.end());
  Validation validation;
  validation.rows.resize(request.published.size());
  ProgressBar progress("fitting models", models.size());
  for (const std::string& name : models) {
    const Model model = find_model(name);
    PlanRequest wanted;
    wanted.gpus = request.gpus;
    const ParallelPlan plan = make_plan(model, wanted);
    const TrainingJob job(model, plan, request.gpu,
                          RoutingSource::make("measured", routing_shape(model, plan), 0), fabrics,
                          request.iteration);
    const ModelFit fit = ScaleFit(job, fat_tree_points(request, name)).best(name);
    validation.fits.push_back(fit);
    for (std::size_t i = 0; i < request.published.size(); ++i) {
      const PublishedTime& row = request.published[i];
      if (row.model != name) continue;
      const Time time = job.simulate(row.fabric, row.bandwidth, fit.compute_scale).total;
      validation.rows[i] = {row, time.to_seconds() / fit.seconds_per_unit};
    }
    progress.advance();
  }
  validation.fabrics = errors_by_fabric(validation.rows);
  return validation;
}

std::string to_json(const Validation& validation) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (const ValidationRow& row : validation.rows) {
    rows.push_back({{"model", row.published.model},
                    {"fabric", to_string(row.published.fabric)},
                    {"bandwidth_gbps", row.published.bandwidth.to_gbps()},
                    {"published", row.published.time},
                    {"simulated", row.simulated},
                    {"error", row.error()}});
  }
  Json fits = Json::array();
  for (const ModelFit& fit : validation.fits) {
    fits.push_back({{"model", fit.model},
                    {"compute_scale", fit.compute_scale},
                    {"seconds_per_unit", fit.seconds_per_unit}});
  }
  Json fabrics = Json::array();
  for (const FabricError& fabric : validation.fabrics) {
    fabrics.push_back({{"fabric", to_string(fabric.fabric)},
                       {"cases", fabric.cases},
                       {"median_absolute_error", fabric.median},
                       {"worst_absolute_error", fabric.worst}});
  }
  const Json document = {
      {"schema", "mixnet.validate/1"}, {"rows", rows}, {"fits", fits}, {"fabrics", fabrics}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mixnet
