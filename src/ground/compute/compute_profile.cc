#include "compute/compute_profile.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/json_reader.h"
#include "compute/measured_operations.h"

namespace mixnet {
namespace {

/// Of another model's shape, farther than any of one's own.
constexpr double kOtherModel = 1e3;

double distance(const OperationFactor& known, const OperationWork& work) {
  const auto powers = [](double a, double b) { return std::abs(std::log2(a / b)); };
  double sum = powers(known.work.tokens, work.tokens) + powers(known.work.tp, work.tp);
  if (work.operation == LayerOperation::kAttention) {
    sum += powers(known.work.sequence, work.sequence);
  }
  if (work.operation == LayerOperation::kExperts) sum += powers(known.work.ep, work.ep);
  return sum + (known.is_own ? 0 : kOtherModel);
}

double ratio(const std::optional<double>& measured_ms, Time predicted) {
  if (!measured_ms || predicted <= Time::zero()) return 1;
  return *measured_ms * 1e-3 / predicted.to_seconds();
}

}  // namespace

std::optional<OperationFactor> ComputeProfile::nearest(const OperationWork& work) const {
  std::optional<OperationFactor> best;
  double least = std::numeric_limits<double>::infinity();
  for (const OperationFactor& known : factors) {
    if (known.work.operation != work.operation || known.work.calls != work.calls) continue;
    const double far = distance(known, work);
    if (far >= least) continue;
    least = far;
    best = known;
  }
  return best;
}

ComputeProfile parse_compute_profile(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(json, input);
  const JsonReader operations = JsonReader(document, input).at("operations");
  ComputeProfile profile;
  for (const std::string& name : operations.keys()) {
    const auto operation = parse<LayerOperation>(name, operations.place());
    const JsonReader entry = operations.at(name);
    OperationTime time;
    time.forward = parse_time(entry.at("forward").string(), entry.at("forward").place());
    if (operation != LayerOperation::kOptimizer) {
      time.backward = parse_time(entry.at("backward").string(), entry.at("backward").place());
    }
    profile.measured[static_cast<std::size_t>(operation)] = time;
  }
  return profile;
}

ComputeProfile parse_operations_profile(std::string_view csv, std::string_view input,
                                        std::string_view model, const ComputeRates& rates,
                                        const std::filesystem::path& folder) {
  const MeasuredOperations measured = parse_measured_operations(csv, input);
  const std::vector<PredictedOperation> predicted = predict_operations(measured, rates, folder);
  ComputeProfile profile;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const MeasuredOperation& row = measured.rows[i];
    const OperationTime& time = predicted[i].time;
    profile.factors.push_back(
        {row.work, row.model == model || std::filesystem::path(row.model).stem() == model,
         ratio(row.forward_ms, time.forward), ratio(row.backward_ms, time.backward)});
  }
  return profile;
}

}  // namespace mixnet
