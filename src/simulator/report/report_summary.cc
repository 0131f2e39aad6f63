#include "report/report_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "compare/advice.h"
#include "report/report_seeds.h"

namespace mixnet {
namespace {

constexpr std::size_t kAny = SIZE_MAX;  // in place of a value: the fabric has only one
using Values = std::vector<std::size_t>;

/// The comparisons that rows make.
class Cases {
 public:
  Cases(const SweepHead& sweep, std::span<const ReportRow> rows) : sweep_(sweep) {
    for (std::size_t a = 0; a < sweep.axes.size(); ++a) {
      const std::string& flag = sweep.axes[a].flag;
      if (flag != "fabric" && flag != "bandwidth") axes_.push_back(a);
    }
    for (const ReportRow& row : rows) {
      if (row.run) find_variety(row);
    }
    std::set<Values> known;
    for (const ReportRow& row : rows) {
      if (!row.run) continue;
      const Values own = case_of(row);
      runs_[{row.run->fabric, masked(row.run->fabric, own)}].push_back(&row);
      // A case is one of the fabrics that have the most to choose from.
      if (varieties(row.run->fabric) == most_ && known.insert(own).second) cases_.push_back(own);
    }
  }

  std::size_t size() const { return cases_.size(); }

  std::string name(std::size_t i) const {
    std::string name;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const ReportAxis& axis = sweep_.axes[axes_[a]];
      if (axis.values.size() < 2) continue;
      const FlagValue& value = axis.values[cases_[i][a]];
      if (!name.empty()) name += ", ";
      name += axis.flag == "model" && value ? *value
                                            : fmt::format("{} {}", axis.flag, value.value_or("-"));
    }
    return name;
  }

  Comparison comparison(std::size_t i) const {
    Comparison comparison;
    for (const FabricKind fabric : all_fabrics()) {
      const auto found = runs_.find({fabric, masked(fabric, cases_[i])});
      if (found == runs_.end()) continue;
      for (const ReportRow* row : found->second) {
        ComparisonRun& run = comparison.runs.emplace_back();
        run.fabric = fabric;
        run.bandwidth = row->run->bandwidth;
        run.time.total = row->run->iteration;
        run.network_cost_usd = row->run->network_cost_usd;
        if (row->run->cluster_cost_usd && row->run->tokens_per_usd) {
          run.cluster = ClusterCost{0, row->run->network_cost_usd.value_or(0), 0};
          run.cluster->servers_usd = *row->run->cluster_cost_usd - run.cluster->network_usd;
          run.tokens_per_usd = row->run->tokens_per_usd;
          run.performance_per_total_dollar_vs_fat_tree = row->run->performance_per_total_dollar;
        }
      }
    }
    std::ranges::stable_sort(comparison.runs, {}, &ComparisonRun::bandwidth);
    return comparison;
  }

 private:
  Values case_of(const ReportRow& row) const {
    Values values;
    for (const std::size_t axis : axes_) values.push_back(row.values[axis]);
    return values;
  }
  void find_variety(const ReportRow& row) {
    auto& seen = seen_[row.run->fabric];
    seen.resize(axes_.size());
    const Values values = case_of(row);
    for (std::size_t a = 0; a < values.size(); ++a) seen[a].insert(values[a]);
    most_ = std::max(most_, varieties(row.run->fabric));
  }
  std::size_t varieties(FabricKind fabric) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        seen_.at(fabric), [](const std::set<std::size_t>& values) { return values.size() > 1; }));
  }
  Values masked(FabricKind fabric, Values values) const {
    const auto found = seen_.find(fabric);
    for (std::size_t a = 0; found != seen_.end() && a < values.size(); ++a) {
      if (found->second[a].size() < 2) values[a] = kAny;
    }
    return values;
  }

  const SweepHead& sweep_;
  Values axes_;  // all but fabric and bandwidth
  std::map<FabricKind, std::vector<std::set<std::size_t>>> seen_;
  std::size_t most_ = 0;
  std::map<std::pair<FabricKind, Values>, std::vector<const ReportRow*>> runs_;
  std::vector<Values> cases_;
};

/// What to take at one speed, of the runs that can be bought.
struct FabricChoice {
  const ComparisonRun* best = nullptr;  ///< most tokens per dollar
  /// Least time; of those within half a percent, the cheapest.
  const ComparisonRun* fastest = nullptr;
};

/// By speed, where there are two to choose from. They point into `comparison`.
std::vector<FabricChoice> choices(const Comparison& comparison) {
  std::vector<FabricChoice> found;
  for (std::size_t begin = 0, end = 0; begin < comparison.runs.size(); begin = end) {
    FabricChoice choice;
    int candidates = 0;
    const Bandwidth bandwidth = comparison.runs[begin].bandwidth;
    for (; end < comparison.runs.size() && comparison.runs[end].bandwidth == bandwidth; ++end) {
      const ComparisonRun& run = comparison.runs[end];
      if (!run.tokens_per_usd) continue;
      if (choice.best == nullptr || *run.tokens_per_usd > *choice.best->tokens_per_usd) {
        choice.best = &run;
      }
      if (choice.fastest == nullptr || is_faster(run, *choice.fastest)) choice.fastest = &run;
      ++candidates;
    }
    if (candidates > 1) found.push_back(choice);
  }
  return found;
}

/// How often something was best, and over which factors.
template <typename Key>
struct Tally {
  std::map<Key, int> counts;
  void add(Key key) { ++counts[key]; }
  std::pair<Key, int> most() const {
    return *std::ranges::max_element(counts, {}, &std::pair<const Key, int>::second);
  }
};

/// `so_far`: " so far" where not all of the sweep is there yet.
std::string of_all(int count, int all, std::string_view what, std::string_view so_far) {
  const std::string counted = all == 1       ? fmt::format("in the one {}", what)
                              : count == all ? fmt::format("in all {} {}s", all, what)
                                             : fmt::format("in {} of {} {}s", count, all, what);
  return counted + std::string(so_far);
}

/// Two times in one unit and with as many decimals: "9.1 s to 16.2 s".
std::string time_range(Time least, Time most) {
  constexpr std::pair<double, std::string_view> kUnits[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}};
  const auto unit = std::ranges::find_if(
      kUnits, [&](const auto& one) { return most.to_seconds() >= one.first * 0.9995; });
  const auto [size, name] =
      unit == std::end(kUnits) ? std::pair(1e-9, std::string_view("ns")) : *unit;
  const double high = most.to_seconds() / size;
  const int places = high >= 99.95 ? 0 : high >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {} to {:.{}f} {}", least.to_seconds() / size, places, name, high,
                     places, name);
}

std::string factors(double least, double most) {
  return most - least < 0.005 ? fmt::format("{:.2f}x", least)
                              : fmt::format("{:.2f}x to {:.2f}x", least, most);
}

/// What there is to say where nothing is for choice.
std::string plain_headline(std::span<const ReportRow> rows) {
  const ReportRow* fastest = nullptr;
  const ReportRow* slowest = nullptr;
  for (const ReportRow& row : rows) {
    if (!row.run) continue;
    if (fastest == nullptr || row.run->iteration < fastest->run->iteration) fastest = &row;
    if (slowest == nullptr || row.run->iteration > slowest->run->iteration) slowest = &row;
  }
  if (fastest == nullptr) return "No point could be simulated.";
  const std::string where =
      fmt::format("{} at {}", to_string(fastest->run->fabric), to_string(fastest->run->bandwidth));
  if (fastest->run->iteration == slowest->run->iteration) {
    return fmt::format("An iteration takes {} on {}.", to_string(fastest->run->iteration), where);
  }
  return fmt::format("An iteration takes {}; shortest on {} (point {}).",
                     time_range(fastest->run->iteration, slowest->run->iteration), where,
                     fastest->point + 1);
}

/// Counts over all cases.
struct Findings {
  using Place = std::pair<FabricKind, Bandwidth>;

  int comparisons = 0;  ///< case and speed, with a choice
  int cases = 0;        ///< with a choice at some speed
  Tally<FabricKind> best, fastest;
  Tally<Place> least_time;
  std::map<FabricKind, std::pair<double, double>> range;  ///< of performance per dollar
  /// Performance per dollar relative to the best of the case: sum of logarithms, and in how many.
  std::map<Place, std::pair<double, int>> values;

  /// Where MixNet gives most performance per dollar against a fat-tree.
  struct Best {
    double factor = 0;
    std::size_t at = 0;  ///< case
    Bandwidth speed;
  } mixnet;

  void add(std::size_t at, const Comparison& comparison) {
    const std::vector<FabricChoice> found = choices(comparison);
    if (found.empty()) return;
    ++cases;
    const ComparisonRun* quickest = found.front().fastest;
    for (const FabricChoice& choice : found) {
      ++comparisons;
      best.add(choice.best->fabric);
      fastest.add(choice.fastest->fabric);
      if (choice.fastest->time.total < quickest->time.total) quickest = choice.fastest;
    }
    least_time.add({quickest->fabric, quickest->bandwidth});
    double most = 0;
    for (const ComparisonRun& run : comparison.runs) most = std::max(most, value(run));
    for (const ComparisonRun& run : comparison.runs) {
      if (value(run) == 0) continue;
      const double factor = run.performance_per_total_dollar_vs_fat_tree.value_or(1);
      if (run.fabric == FabricKind::kMixNet && factor > mixnet.factor) {
        mixnet = {factor, at, run.bandwidth};
      }
      const auto [place, is_new] = range.try_emplace(run.fabric, factor, factor);
      place->second.first = std::min(place->second.first, factor);
      place->second.second = std::max(place->second.second, factor);
      auto& [sum, count] = values[{run.fabric, run.bandwidth}];
      sum += std::log(value(run) / most);
      ++count;
    }
  }

  /// Tokens per dollar; 0 where it cannot be bought.
  static double value(const ComparisonRun& run) { return run.tokens_per_usd.value_or(0); }

  /// Of the speeds of `fabric`, the one at which a dollar buys most over all cases; and the share
  /// of what it buys at the best speed and fabric of a case, as a mean.
  std::pair<Bandwidth, double> best_speed(FabricKind fabric) const {
    Bandwidth speed;
    double most = -1;
    for (const auto& [place, sum] : values) {
      const double mean = sum.second == cases ? std::exp(sum.first / cases) : 0;
      if (place.first != fabric || mean <= most) continue;
      speed = place.second;
      most = mean;
    }
    return {speed, most};
  }
  /// Most often best, and how often; of several, the one whose best speed buys more.
  std::pair<FabricKind, int> winner() const {
    std::pair<FabricKind, int> found = best.most();
    for (const auto& [fabric, count] : best.counts) {
      if (count == found.second && best_speed(fabric).second > best_speed(found.first).second) {
        found = {fabric, count};
      }
    }
    return found;
  }
  std::size_t speeds() const {
    std::set<Bandwidth> speeds;
    for (const auto& [place, sum] : values) speeds.insert(place.second);
    return speeds.size();
  }
};

/// What to take in one case.
std::string case_sentence(const Verdict& found) {
  const auto place = [](const ComparisonRun& run) {
    return fmt::format("{} at {}", to_string(run.fabric), to_string(run.bandwidth));
  };
  const ComparisonRun& best = *found.ranked[0];
  std::string sentence = fmt::format(
      "Take {}: {:.2f} M tokens per dollar of the cluster, {:.2f}x a fat-tree's", place(best),
      *best.tokens_per_usd / 1e6, best.performance_per_total_dollar_vs_fat_tree.value_or(1));
  if (found.tied.empty()) {
    const double behind = 1 - *found.ranked[1]->tokens_per_usd / *best.tokens_per_usd;
    return sentence +
           fmt::format("; next, {:.1f} % behind, {}.", behind * 100, place(*found.ranked[1]));
  }
  sentence += "; a tie with it, as far as the models are known to be off:";
  for (const ComparisonRun* run : found.tied) {
    sentence += fmt::format("{} {}", run == found.tied.front() ? "" : ",", place(*run));
  }
  return sentence + ".";
}

/// `so_far` as of_all() has it.
ReportSummary summary_of(const SweepHead& sweep, std::span<const ReportRow> rows,
                         std::string_view so_far) {
  const Cases cases(sweep, rows);
  ReportSummary summary;
  Findings findings;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Comparison comparison = cases.comparison(i);
    findings.add(i, comparison);
    const Verdict found = verdict(comparison);
    if (!found.ranked.empty()) summary.cases.push_back({cases.name(i), case_sentence(found)});
  }
  if (findings.comparisons == 0) {
    summary.headline = plain_headline(rows);
    return summary;
  }
  const auto [winner, wins] = findings.winner();
  const auto [speed, share] = findings.best_speed(winner);
  const auto [least, most] = findings.range.at(winner);
  summary.headline = fmt::format(
      "Take {} at {}: it gives the most tokens per dollar of the cluster {}", to_string(winner),
      to_string(speed), of_all(wins, findings.comparisons, "comparison", so_far));
  // Of itself a fat-tree gives 1.00x.
  summary.headline +=
      winner == FabricKind::kFatTree
          ? "."
          : fmt::format(", {} that of a fat-tree of the same speed.", factors(least, most));
  if (findings.speeds() > 1) {
    summary.reasons.push_back(
        share > 0.9995
            ? fmt::format("No other fabric or speed buys more for a dollar than {} at {}.",
                          to_string(winner), to_string(speed))
            : fmt::format("At {} it buys {:.0f} % of what a dollar buys at most{}: more than at "
                          "its other speeds.",
                          to_string(speed), share * 100,
                          findings.cases == 1
                              ? ""
                              : fmt::format(", on average over the {} cases", findings.cases)));
  }
  const auto [fastest, times] = findings.least_time.most();
  const auto [quick, quicks] = findings.fastest.most();
  summary.reasons.push_back(fmt::format(
      "Where only time counts, take {} at {}, the fastest {}; at the same speed, {} is fastest {}.",
      to_string(fastest.first), to_string(fastest.second),
      of_all(times, findings.cases, "case", so_far), to_string(quick),
      of_all(quicks, findings.comparisons, "comparison", so_far)));
  const auto mixnet = findings.range.find(FabricKind::kMixNet);
  if (mixnet != findings.range.end() && winner != FabricKind::kMixNet) {
    const std::string name = cases.name(findings.mixnet.at);
    summary.reasons.push_back(fmt::format(
        "mixnet gives {} the performance per dollar of a fat-tree, most at {}{}.",
        factors(mixnet->second.first, mixnet->second.second), to_string(findings.mixnet.speed),
        name.empty() ? "" : fmt::format(" with {}", name)));
  }
  return summary;
}

}  // namespace

ReportSummary summarize(const SweepHead& sweep, std::span<const ReportRow> rows) {
  const std::string_view so_far = rows.size() < sweep.points ? " so far" : "";
  const std::optional<SeedMeans> seeds = average_seeds(sweep, rows);
  if (!seeds || seeds->means.empty()) return summary_of(sweep, rows, so_far);
  std::vector<ReportRow> means;
  for (const SeedMean& mean : seeds->means) {
    means.push_back(mean.row);
    means.back().values[seeds->axis] = 0;
  }
  // Of the axis one value is left, which tells no cases apart.
  SweepHead averaged = sweep;
  averaged.axes[seeds->axis].values.resize(1);
  ReportSummary summary = summary_of(averaged, means, so_far);
  if (seeds->most == 1) return summary;
  summary.reasons.push_back(
      fmt::format("Each case is a mean over {} seeds{}; the 95 % interval of an iteration is at "
                  "most \u00b1{:.1f} %.",
                  seeds->most == seeds->least ? fmt::format("{}", seeds->most)
                                              : fmt::format("{} to {}", seeds->least, seeds->most),
                  so_far, seeds->widest * 100));
  return summary;
}

}  // namespace mixnet
