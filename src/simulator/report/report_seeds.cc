#include "report/report_seeds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace mixnet {
namespace {

constexpr std::array kT95 = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                             2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                             2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

using Runs = std::vector<const ReportRun*>;

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Time mean_time(const Runs& runs, Time ReportRun::*time) {
  MeanTime mean;
  for (const ReportRun* run : runs) mean.add(run->*time);
  return mean.over(static_cast<std::int64_t>(runs.size()));
}

/// The values of a number that every run has; else none.
std::vector<double> values_of(const Runs& runs, std::optional<double> ReportRun::*number) {
  std::vector<double> values;
  for (const ReportRun* run : runs) {
    if (!(run->*number)) return {};
    values.push_back(*(run->*number));
  }
  return values;
}

void average(const Runs& runs, SeedMean& mean) {
  ReportRun& run = *mean.row.run;
  for (const auto time :
       {&ReportRun::iteration, &ReportRun::compute, &ReportRun::ep, &ReportRun::tp, &ReportRun::pp,
        &ReportRun::dp, &ReportRun::reconfiguration, &ReportRun::bubble, &ReportRun::lost}) {
    run.*time = mean_time(runs, time);
  }
  for (const auto number : {&ReportRun::network_cost_usd, &ReportRun::performance_per_dollar,
                            &ReportRun::cluster_cost_usd, &ReportRun::tokens_per_usd,
                            &ReportRun::performance_per_total_dollar, &ReportRun::tflops_per_gpu,
                            &ReportRun::mfu, &ReportRun::training_days}) {
    const std::vector<double> values = values_of(runs, number);
    run.*number = values.empty() ? std::nullopt : std::optional(mean_of(values));
  }
  std::vector<double> seconds;
  std::vector<double> tokens;
  for (const ReportRun* one : runs) {
    seconds.push_back(one->iteration.to_seconds());
    tokens.push_back(one->tokens_per_second);
  }
  run.tokens_per_second = mean_of(tokens);
  mean.seconds = half_width95(seconds);
  mean.tokens = half_width95(tokens);
  mean.performance = half_width95(values_of(runs, &ReportRun::performance_per_total_dollar));
}

}  // namespace

double student_t95(std::size_t degrees) {
  if (degrees <= kT95.size()) return kT95.at(degrees - 1);
  // The series of Cornish and Fisher around the normal quantile.
  constexpr double kZ = 1.959964;
  const double n = static_cast<double>(degrees);
  return kZ + (std::pow(kZ, 3) + kZ) / (4 * n) +
         (5 * std::pow(kZ, 5) + 16 * std::pow(kZ, 3) + 3 * kZ) / (96 * n * n);
}

std::optional<double> half_width95(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double mean = mean_of(values);
  const double n = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return student_t95(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
}

std::optional<SeedMeans> average_seeds(const SweepHead& sweep, std::span<const ReportRow> rows) {
  const std::size_t axis = sweep.axis("seed");
  if (axis == sweep.axes.size() || sweep.axes[axis].values.size() < 2) return std::nullopt;
  SeedMeans found;
  found.axis = axis;
  std::map<std::vector<std::size_t>, std::size_t> known;  // values but for the seed -> which mean
  std::vector<Runs> runs;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].run) continue;
    std::vector<std::size_t> key = rows[i].values;
    key[axis] = 0;
    const auto [place, is_new] = known.try_emplace(std::move(key), found.means.size());
    if (is_new) {
      found.means.push_back(
          {.row = rows[i], .of = {}, .seconds = {}, .tokens = {}, .performance = {}});
      runs.emplace_back();
    }
    found.means[place->second].of.push_back(i);
    runs[place->second].push_back(&*rows[i].run);
  }
  for (std::size_t m = 0; m < runs.size(); ++m) {
    SeedMean& mean = found.means[m];
    average(runs[m], mean);
    found.least = m == 0 ? runs[m].size() : std::min(found.least, runs[m].size());
    found.most = std::max(found.most, runs[m].size());
    found.widest =
        std::max(found.widest, mean.seconds.value_or(0) / mean.row.run->iteration.to_seconds());
  }
  return found;
}

}  // namespace mixnet
