// Does dynamic routing look like the real thing? One set of statistics, taken in the same way of
// the real data and of what the generator makes. docs/routing.md explains them; this prints its
// table:
//     moe_test --gtest_filter='RoutingFit.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "base/csv.h"
#include "base/error.h"
#include "base/text_file.h"
#include "moe/routing.h"

namespace mixnet {
namespace {

constexpr int kExperts = 8;
constexpr int kLayers = 32;

/// Loads of the experts relative to an even one, so their mean is 1.
using Loads = std::array<double, kExperts>;

/// Loads over time in one layer, and the mean variance in them that is only sampling of tokens.
struct Series {
  std::vector<Loads> loads;
  double noise = 0;
};

double variance_of(const Loads& loads) {
  double squares = 0;
  for (const double load : loads) squares += (load - 1) * (load - 1);
  return squares / (kExperts - 1);
}

/// A series with the layer's own mean taken off.
std::vector<Loads> deviations(const Series& series) {
  std::vector<Loads> result = series.loads;
  for (int e = 0; e < kExperts; ++e) {
    double mean = 0;
    for (const Loads& loads : result) mean += loads[e] / static_cast<double>(result.size());
    for (Loads& loads : result) loads[e] -= mean;
  }
  return result;
}

double variance_in_time(const std::vector<Loads>& deviations) {
  double squares = 0;
  for (const Loads& loads : deviations) {
    squares += std::inner_product(loads.begin(), loads.end(), loads.begin(), 0.0);
  }
  return squares / static_cast<double>(deviations.size() - 1) / kExperts;
}

double signal(const std::vector<Series>& layers) {
  double sum = 0;
  for (const Series& layer : layers) sum += variance_in_time(deviations(layer)) - layer.noise;
  return sum / static_cast<double>(layers.size());
}

/// Covariance of moments `lag` apart over variance, the series' means taken off.
double lag_correlation(const std::vector<Series>& layers, std::size_t lag) {
  const std::size_t count = layers[0].loads.size();
  double sum = 0;
  for (const Series& layer : layers) {
    const std::vector<Loads> d = deviations(layer);
    for (std::size_t t = 0; t + lag < count; ++t) {
      sum += std::inner_product(d[t].begin(), d[t].end(), d[t + lag].begin(), 0.0);
    }
  }
  const auto n = static_cast<double>(count);
  const double products =
      (n - static_cast<double>(lag)) * kExperts * static_cast<double>(layers.size());
  return sum / products / (signal(layers) * (n - 1) / n);
}

/// Mean squared correlation of experts' loads in layers 1, 2, 4, 8 and 16 apart, beyond chance.
double layer_link(const std::vector<Series>& layers) {
  std::vector<std::vector<Loads>> all;
  all.reserve(layers.size());
  for (const Series& layer : layers) all.push_back(deviations(layer));
  const double n = static_cast<double>(all[0].size());
  double link = 0;
  for (const std::size_t distance : {1, 2, 4, 8, 16}) {
    double excess = 0;
    for (std::size_t l = 0; l + distance < all.size(); ++l) {
      const auto& a = all[l];
      const auto& b = all[l + distance];
      for (int e = 0; e < kExperts; ++e) {
        for (int f = 0; f < kExperts; ++f) {
          double covariance = 0;
          for (std::size_t t = 0; t < a.size(); ++t) covariance += a[t][e] * b[t][f] / (n - 1);
          excess += covariance * covariance / (kExperts * kExperts);
        }
      }
      excess -= variance_in_time(a) * variance_in_time(b) / (n - 1);
    }
    link += excess / static_cast<double>(all.size() - distance) / 5;
  }
  return link / (signal(layers) * signal(layers));
}

/// Relative variance of the rows' shares about their column's mean, less that of sampling.
double rank_variance(const Matrix<std::int32_t>& counts) {
  const auto rows = static_cast<double>(counts.rows());
  const double total = std::accumulate(counts.row(0).begin(), counts.row(0).end(), 0.0);
  double sum = 0;
  for (std::size_t e = 0; e < counts.columns(); ++e) {
    double mean = 0;
    for (std::size_t r = 0; r < counts.rows(); ++r) mean += counts(r, e) / total / rows;
    double squares = 0;
    for (std::size_t r = 0; r < counts.rows(); ++r) {
      squares += std::pow(counts(r, e) / total - mean, 2);
    }
    sum += (squares / (rows - 1) - mean * (1 - mean) / total) / (mean * mean);
  }
  return sum / static_cast<double>(counts.columns());
}

Loads column_loads(const Matrix<std::int32_t>& counts) {
  Loads loads{};
  double total = 0;
  for (const std::int32_t count : counts.cells()) total += count;
  for (std::size_t r = 0; r < counts.rows(); ++r) {
    for (std::size_t e = 0; e < kExperts; ++e) loads[e] += counts(r, e) * kExperts / total;
  }
  return loads;
}

using Statistics = std::map<std::string, double>;

// ---- The real data
// -------------------------------------------------------------------------------

struct Choice {
  std::int64_t token = 0;
  std::array<std::int64_t, 2> experts = {};
};
/// [sequence][layer]
using Choices = std::array<std::array<std::vector<Choice>, kLayers>, 2>;

Choices read_choices(const std::string& text) {
  const CsvTable table = CsvTable::parse(text, "trace");
  Choices choices;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    choices.at(table.integer(row, 0))
        .at(table.integer(row, 2))
        .push_back({table.integer(row, 1), {table.integer(row, 3), table.integer(row, 4)}});
  }
  return choices;
}

/// Adds the loads of tokens [first, end) to the series.
void add_loads(Series& series, const std::vector<Choice>& choices, std::int64_t first,
               std::int64_t end) {
  Loads hits{};
  double tokens = 0;
  for (const Choice& choice : choices) {
    if (choice.token < first || choice.token >= end) continue;
    for (const std::int64_t e : choice.experts) ++hits.at(static_cast<std::size_t>(e));
    ++tokens;
  }
  constexpr double kScale = kExperts / 2.0;
  double noise = 0;
  for (double& hit : hits) {
    hit /= tokens;
    noise += hit * (1 - hit) / (tokens - 1) * kScale * kScale / kExperts;
    hit *= kScale;
  }
  const auto before = static_cast<double>(series.loads.size());
  series.noise = (series.noise * before + noise) / (before + 1);
  series.loads.push_back(hits);
}

std::vector<Series> blocks(const Choices& choices, std::int64_t size) {
  std::int64_t tokens = 0;
  for (const Choice& choice : choices[1][0]) tokens = std::max(tokens, choice.token + 1);
  std::vector<Series> layers(kLayers);
  for (int l = 0; l < kLayers; ++l) {
    for (std::int64_t t = 0; t + size <= tokens; t += size) {
      add_loads(layers[l], choices[1][l], t, t + size);
    }
  }
  return layers;
}

Statistics real_statistics(const Choices& choices, const Matrix<std::int32_t>& production) {
  constexpr std::int64_t kAll = INT64_MAX;
  double skew = 0;
  double change = 0;
  for (int l = 0; l < kLayers; ++l) {
    std::vector<Choice> both = choices[0][l];
    both.insert(both.end(), choices[1][l].begin(), choices[1][l].end());
    Series pooled;
    add_loads(pooled, both, 0, kAll);
    skew += variance_of(pooled.loads[0]) - pooled.noise;
    Series apart;
    for (const int s : {0, 1}) add_loads(apart, choices[s][l], 0, kAll);
    for (int e = 0; e < kExperts; ++e) {
      change += std::pow(apart.loads[0][e] - apart.loads[1][e], 2) / 2 / kExperts;
    }
    change -= apart.noise;
  }
  const double of_production = variance_of(column_loads(production));
  Statistics found{{"skew_cv_trace", std::sqrt(skew / kLayers)},
                   {"skew_cv_production", std::sqrt(of_production)},
                   {"skew_cv", std::sqrt((skew + of_production) / (kLayers + 1))},
                   {"sequence_change", std::sqrt(change / kLayers)},
                   {"rank_spread", std::sqrt(rank_variance(production))}};
  for (const std::size_t lag : {1, 2, 3}) {
    found[fmt::format("lag{}", lag)] = lag_correlation(blocks(choices, 16), lag);
  }
  for (const std::int64_t size : {16, 24, 32}) {
    found["layer_link"] += layer_link(blocks(choices, size)) / 3;
  }
  return found;
}

// ---- The generator
// -------------------------------------------------------------------------------

Statistics generated_statistics() {
  const RoutingShape shape{
      .ep = 8, .experts = kExperts, .top_k = 2, .layers = kLayers, .tokens = 16'384};
  constexpr int kSeeds = 40;
  constexpr int kMoments = 16;  // in a row; the trace has 15 blocks
  constexpr double kProductionCv = 0.6961;
  int skewer = 0;
  Statistics found;
  TokenCounts counts;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const RoutingSource source = RoutingSource::make("dynamic", shape, seed);
    std::vector<Series> layers(kLayers);
    for (int l = 0; l < kLayers; ++l) {
      for (int t = 0; t < kMoments; ++t) {
        source.counts({.iteration = 1000 + t, .layer = l}, counts);
        layers[l].loads.push_back(column_loads(counts));
      }
      source.counts({.iteration = 9000, .layer = l}, counts);
      const Loads later = column_loads(counts);
      const Loads& first = layers[l].loads[0];
      found["skew_cv"] += variance_of(first) / kLayers / kSeeds;
      if (variance_of(first) > kProductionCv * kProductionCv) ++skewer;
      found["rank_spread"] += rank_variance(counts) / kLayers / kSeeds;
      for (int e = 0; e < kExperts; ++e) {
        found["sequence_change"] +=
            std::pow(first[e] - later[e], 2) / 2 / kExperts / kLayers / kSeeds;
      }
    }
    for (const std::size_t lag : {1, 2, 3}) {
      found[fmt::format("lag{}", lag)] += lag_correlation(layers, lag) / kSeeds;
    }
    found["layer_link"] += layer_link(layers) / kSeeds;
  }
  found["above_production"] = skewer / 1.0 / kLayers / kSeeds;
  for (const char* name : {"skew_cv", "rank_spread", "sequence_change"}) {
    found[name] = std::sqrt(found[name]);
  }
  return found;
}

/// How far the generator may be off: relative for the sizes, absolute for the correlations.
struct Bound {
  const char* statistic;
  double relative;
  double absolute;
};
constexpr Bound kBounds[] = {{"skew_cv", 0.15, 0},     {"sequence_change", 0.15, 0},
                             {"rank_spread", 0.15, 0}, {"lag1", 0, 0.15},
                             {"lag2", 0, 0.15},        {"lag3", 0, 0.15},
                             {"layer_link", 0, 0.1}};

void hold_to(const Statistics& real) {
  const Statistics generated = generated_statistics();
  fmt::print("{:18} {:>8} {:>10}\n", "statistic", "real", "generated");
  for (const Bound& bound : kBounds) {
    const double wanted = real.at(bound.statistic);
    const double found = generated.at(bound.statistic);
    fmt::print("{:18} {:8.3f} {:10.3f}\n", bound.statistic, wanted, found);
    EXPECT_NEAR(found, wanted, wanted * bound.relative + bound.absolute) << bound.statistic;
  }
  fmt::print("{:18} {:8} {:9.1f}%\n", "above production", "",
             100 * generated.at("above_production"));
}

Statistics stored_targets() {
  const std::string path = (data_directory() / "routing" / "targets.csv").string();
  const CsvTable table = CsvTable::parse(read_text_file(path), path);
  Statistics targets;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    targets[table.text(row, 0)] = table.number(row, 1, -1);
  }
  return targets;
}

TEST(RoutingFit, GeneratedMeetsTheStoredTargets) { hold_to(stored_targets()); }

TEST(RoutingFit, GeneratedMeetsTheRealData) {
  const std::string folder = MIXNET_SHARED_DATA_DIR;
  std::string trace;
  std::string matrix;
  try {
    trace = read_text_file(folder + "/routing_mixtral_8x7b_humaneval.csv");
    matrix = read_text_file(folder + "/expert_load_mixtral_8x7b.csv");
  } catch (const Error&) {
    return;  // the stored targets, tested above, are what was counted in them
  }
  const CsvTable table = CsvTable::parse(matrix, "matrix", false);
  Matrix<std::int32_t> production(table.rows(), table.columns());
  for (std::size_t r = 0; r < table.rows(); ++r) {
    for (std::size_t c = 0; c < table.columns(); ++c) {
      production(r, c) = static_cast<std::int32_t>(table.integer(r, c));
    }
  }
  const Statistics real = real_statistics(read_choices(trace), production);
  hold_to(real);
  // scripts/fit_routing.py, which wrote the targets, counted the same.
  for (const auto& [name, target] : stored_targets()) {
    EXPECT_NEAR(real.at(name), target, 1e-3 * target) << name;
  }
}

}  // namespace
}  // namespace mixnet
