// What a broken NIC, GPU or server costs (section 7.5).
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "figures/figure_study.h"
#include "figures/figure_verdict.h"

namespace mixnet {
namespace {

constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

/// Servers 9 and 121 are in the first and the last of the stages, which is the slowest.
struct Failing {
  std::string_view category, claim, model;
  std::vector<std::string_view> failures;  ///< each a case of its own; the dearest counts
  double published = 0;
};
const std::vector<Failing>& all_failing() {
  static const std::vector<Failing> all = {
      {"NIC, DeepSeek-R1",
       "a NIC fails, DeepSeek-R1",
       "deepseek-r1",
       {"nic:121.0", "nic:9.0", "nic:121.7", "nic:9.7"},
       0.033},
      {"GPU, Mixtral 8x22B", "a GPU fails, Mixtral 8x22B", "mixtral-8x22b", {"gpu:970"}, 0.051},
      {"server, DeepSeek-R1", "a server fails, DeepSeek-R1", "deepseek-r1", {"server:121"}, 0.065}};
  return all;
}

struct Setting {
  std::string_view name;
  std::string_view routing;
  int spare_nics;  ///< 0: as many as servers have
};
constexpr Setting kSettings[] = {{"dynamic routing, spares with 8 NICs", "dynamic", 0},
                                 {"dynamic routing, spares with 2 NICs", "dynamic", 2},
                                 {"uniform routing, spares with 8 NICs", "uniform", 0}};

struct FailureRuns {
  std::vector<std::vector<std::vector<std::size_t>>> runs;  // by failing part, setting, case
  std::size_t fluid = 0, packets = 0;                       // of the same failure
  Comparisons comparisons;

  double more(std::size_t run) const {
    const ComparisonRun& found = comparisons.run(run, FabricKind::kMixNet, kSpeed);
    return found.time.total.to_seconds() / found.without_failures->to_seconds() - 1;
  }
  double dearest(const std::vector<std::size_t>& cases) const {
    double most = more(cases.front());
    for (const std::size_t run : cases) most = std::max(most, more(run));
    return most;
  }
};

ComparisonRequest request_for(const FigureSettings& settings, std::string_view model,
                              std::string_view failure, const Setting& setting) {
  ComparisonRequest request = default_request(settings, model);
  request.fabrics = {FabricKind::kMixNet};
  request.bandwidths = {kSpeed};
  request.routing = setting.routing;
  request.iteration.network.spare_nics = setting.spare_nics;
  request.iteration.failures.failures = {parse_failure(failure, "failure")};
  return request;
}

FailureRuns make_runs(const FigureSettings& settings) {
  FailureRuns made;
  for (const Failing& failing : all_failing()) {
    auto& by_setting = made.runs.emplace_back();
    for (const Setting& setting : kSettings) {
      auto& cases = by_setting.emplace_back();
      for (const std::string_view failure : failing.failures) {
        cases.push_back(
            made.comparisons.add(request_for(settings, failing.model, failure, setting)));
      }
    }
  }
  const Setting& setting = kSettings[0];
  const ComparisonRequest checked = request_for(settings, "mixtral-8x22b", "nic:121.7", setting);
  made.fluid = made.comparisons.add(checked);
  made.packets = made.comparisons.add(in_packets(checked));
  return made;
}

Figure failures(const FailureRuns& runs) {
  Figure figure = begin_figure(
      {.name = "failures",
       .title = "What a failure adds to an iteration",
       .place = "section 7.5",
       .question = "How much longer is an iteration on mixnet when a part has failed?",
       .settings = "1,024 H100, mixnet at 400 Gb/s; block 25 ms, greedy circuits first; the "
                   "dearest of a NIC of either kind in the first or last stage"},
      FigureKind::kBar, linear_axis("what has failed"),
      linear_axis("longer than without failure", "%"));
  FigurePanel& panel = figure.panels.emplace_back();
  for (std::size_t f = 0; f < all_failing().size(); ++f) {
    const Failing& failing = all_failing()[f];
    const auto x = static_cast<double>(f);
    figure.x.categories.emplace_back(failing.category);
    series_of(panel, "published", FigureOrigin::kPublished)
        .points.push_back({x, 100 * failing.published, {}});
    std::vector<double> ours;
    std::string by_setting;
    for (std::size_t s = 0; s < std::size(kSettings); ++s) {
      ours.push_back(runs.dearest(runs.runs[f][s]));
      series_of(panel, kSettings[s].name).points.push_back({x, 100 * ours.back(), {}});
      by_setting +=
          fmt::format("{}{} {}", s == 0 ? "" : "; ", kSettings[s].name, percent_text(ours.back()));
    }
    figure.verdicts.push_back({.claim = fmt::format("iteration longer when {}", failing.claim),
                               .published = percent_text(failing.published),
                               .ours = percent_text(range_of(ours)),
                               .holds = judge_overhead(failing.published, range_of(ours)),
                               .note = by_setting});
  }
  const auto seconds = [&](std::size_t run) {
    return runs.comparisons.seconds(run, FabricKind::kMixNet, kSpeed);
  };
  figure.checks.push_back({.what = "Mixtral 8x22B, an electrical NIC failed: iteration",
                           .unit = "s",
                           .fluid = seconds(runs.fluid),
                           .packets = seconds(runs.packets)});
  return figure;
}

}  // namespace

FigureStudy failures_figure(const FigureSettings& settings) {
  return study_of(make_runs(settings), failures);
}

}  // namespace mixnet
