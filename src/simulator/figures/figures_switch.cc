// How many NICs belong on the optical switch (appendix D.6), and how fast it has to be (D.7).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "compare/equal_cost.h"
#include "figures/figure_study.h"
#include "figures/figure_verdict.h"

namespace mixnet {
namespace {

constexpr std::array<std::string_view, 2> kModels = {"mixtral-8x22b", "mixtral-8x7b"};
constexpr Bandwidth kSpeed = Bandwidth::gbps(400);
constexpr int kNics = 8;
constexpr int kDegree = 6;       // of the server that the others cost as much as
constexpr int kMostOptical = 7;  // one NIC stays electrical

struct DegreeRuns {
  struct OfModel {
    std::string title;
    std::array<std::size_t, kMostOptical> runs{};  // by degree, from 1
    std::size_t packets = 0;                       // of kDegree
  };
  std::array<Bandwidth, kMostOptical> speeds;
  std::vector<OfModel> models;
  Comparisons comparisons;

  double seconds(const OfModel& model, int degree) const {
    return comparisons.seconds(model.runs[degree - 1], FabricKind::kMixNet, speeds[degree - 1]);
  }
};

DegreeRuns make_degree_runs(const FigureSettings& settings) {
  DegreeRuns made;
  const double usd = server_usd(kNics, kDegree, kSpeed, settings.prices);
  std::vector<EqualCost> equal;
  for (int degree = 1; degree <= kMostOptical; ++degree) {
    equal.push_back(at_equal_cost(kNics, degree, usd, settings.prices));
    made.speeds[degree - 1] = equal.back().bandwidth;
  }
  for (const std::string_view name : kModels) {
    DegreeRuns::OfModel& model = made.models.emplace_back();
    for (int degree = 1; degree <= kMostOptical; ++degree) {
      ComparisonRequest request = default_request(settings, name);
      model.title = request.model.title;
      request.fabrics = {FabricKind::kMixNet};
      request.bandwidths = {equal[degree - 1].bandwidth};
      request.prices = equal[degree - 1].prices;
      request.iteration.network.optical_degree = degree;
      request.iteration.reconfiguration = Reconfiguration::kHitless;
      model.runs[degree - 1] = made.comparisons.add(request);
      if (degree == kDegree) model.packets = made.comparisons.add(in_packets(std::move(request)));
    }
  }
  return made;
}

Figure degree(const DegreeRuns& runs) {
  Figure figure = begin_figure(
      {.name = "degree",
       .title = "Optical degree at equal cost",
       .place = "appendix D.6",
       .question = "How many of a server's NICs belong on the optical switch?",
       .settings = "1,024 H100, 8 NICs a server, as fast as the money of 2 electrical and 6 "
                   "optical NICs of 400 Gb/s buys (prices interpolated); dynamic routing, hitless"},
      FigureKind::kLine, linear_axis("optical NICs of a server", "of 8"),
      linear_axis("iteration time", "s"));
  for (const DegreeRuns::OfModel& model : runs.models) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = model.title;
    std::vector<double> times;
    int steps_faster = 0;
    for (int degree = 1; degree <= kMostOptical; ++degree) {
      times.push_back(runs.seconds(model, degree));
      steps_faster += degree > 1 && times[degree - 1] <= times[degree - 2] ? 1 : 0;
      series_of(panel, "mixnet")
          .points.push_back(
              {static_cast<double>(degree), times.back(), to_string(runs.speeds[degree - 1])});
    }
    const double in_packets = runs.comparisons.seconds(model.packets, FabricKind::kMixNet, kSpeed);
    series_of(panel, "mixnet", FigureOrigin::kPackets).points.push_back({kDegree, in_packets, {}});

    const bool all_faster = steps_faster == kMostOptical - 1;
    const bool most_is_best = times.back() < times.front();
    figure.verdicts.push_back(
        {.claim = fmt::format("{}: more optical NICs are faster at equal cost", model.title),
         .published = "more is faster",
         .ours = fmt::format("{} of {} steps from 1 to 7 faster; 7 against 1: {}", steps_faster,
                             kMostOptical - 1, factor_text(times.front() / times.back())),
         .holds = all_faster     ? Holds::kYes
                  : most_is_best ? Holds::kPartly
                                 : Holds::kNo,
         .note = all_faster
                     ? ""
                     : "three circuits give a server one to each other of its region, so circuits "
                       "first leaves the five electrical NICs idle"});
    figure.checks.push_back({.what = fmt::format("{}, 6 optical NICs: iteration", model.title),
                             .unit = "s",
                             .fluid = runs.seconds(model, kDegree),
                             .packets = in_packets});
  }
  return figure;
}

constexpr std::array kDelays = {
    Time::microseconds(1),   Time::microseconds(10), Time::microseconds(100),
    Time::milliseconds(1),   Time::milliseconds(10), Time::milliseconds(25),
    Time::milliseconds(100), Time::seconds(1),       Time::seconds(10)};
constexpr std::size_t kAt25ms = 5;
constexpr std::size_t kAt1s = 7;
static_assert(kDelays[kAt25ms] == Time::milliseconds(25) && kDelays[kAt1s] == Time::seconds(1));

struct DelayRuns {
  struct Case {
    std::string name;
    Reconfiguration policy = Reconfiguration::kBlock;
    bool is_fitted = false;
    std::array<std::size_t, kDelays.size()> runs{};
    std::size_t packets = 0;  // at 25 ms
  };
  struct OfModel {
    std::string title;
    std::vector<Case> cases;
  };
  std::vector<OfModel> models;
  Comparisons comparisons;

  double seconds(std::size_t run) const {
    return comparisons.seconds(run, FabricKind::kMixNet, kSpeed);
  }
  /// Relative to the fastest switch.
  double relative(const Case& one, std::size_t delay) const {
    return seconds(one.runs[delay]) / seconds(one.runs[0]);
  }
};

DelayRuns make_delay_runs(const FigureSettings& settings) {
  DelayRuns made;
  for (const std::string_view name : kModels) {
    DelayRuns::OfModel& model = made.models.emplace_back();
    model.cases = {{.name = "block"},
                   {.name = "block, compute times fitted", .is_fitted = true},
                   {.name = "hitless", .policy = Reconfiguration::kHitless}};
    for (DelayRuns::Case& one : model.cases) {
      for (std::size_t i = 0; i < kDelays.size(); ++i) {
        ComparisonRequest request =
            one.is_fitted ? published_request(settings, name) : default_request(settings, name);
        model.title = request.model.title;
        request.bandwidths = {kSpeed};
        request.fabrics = {FabricKind::kMixNet};
        request.iteration.reconfiguration = one.policy;
        request.iteration.reconfiguration_delay = kDelays[i];
        one.runs[i] = made.comparisons.add(request);
        if (i == kAt25ms) one.packets = made.comparisons.add(in_packets(std::move(request)));
      }
    }
  }
  return made;
}

Figure delay(const DelayRuns& runs) {
  Figure figure = begin_figure({.name = "delay",
                                .title = "Reconfiguration delay of the optical switch",
                                .place = "appendix D.7",
                                .question = "How fast does the optical switch have to be?",
                                .settings = "1,024 H100, mixnet at 400 Gb/s; dynamic routing "
                                            "(compute times fitted: measured routing, eager 1F1B)"},
                               FigureKind::kLine, log_axis("reconfiguration delay", "ms"),
                               log_axis("iteration time, 1 us = 1"));
  std::array<std::vector<double>, 3> at_25ms, at_1s;  // by case
  for (const DelayRuns::OfModel& model : runs.models) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = model.title;
    for (std::size_t c = 0; c < model.cases.size(); ++c) {
      const DelayRuns::Case& one = model.cases[c];
      for (std::size_t i = 0; i < kDelays.size(); ++i) {
        series_of(panel, one.name)
            .points.push_back({kDelays[i].to_seconds() * 1e3, runs.relative(one, i), {}});
      }
      series_of(panel, one.name, FigureOrigin::kPackets)
          .points.push_back({kDelays[kAt25ms].to_seconds() * 1e3,
                             runs.seconds(one.packets) / runs.seconds(one.runs[0]),
                             {}});
      at_25ms[c].push_back(runs.relative(one, kAt25ms));
      at_1s[c].push_back(runs.relative(one, kAt1s));
      figure.checks.push_back(
          {.what = fmt::format("{}, {}, 25 ms: iteration", model.title, one.name),
           .unit = "s",
           .fluid = runs.seconds(one.runs[kAt25ms]),
           .packets = runs.seconds(one.packets)});
    }
  }

  const auto more = [](const std::vector<double>& ratios) {
    const FigureRange range = range_of(ratios);
    return FigureRange{range.least - 1, range.most - 1};
  };
  figure.verdicts.push_back(
      {.claim = "block, 25 ms against 1 us",
       .published = "hardly matters",
       .ours = percent_text(more(at_25ms[1])),
       .holds = judge_equality(at_25ms[1]),
       .note = fmt::format("compute times fitted; of an H100 {}", percent_text(more(at_25ms[0])))});
  figure.verdicts.push_back({.claim = "hitless (ours), 25 ms against 1 us",
                             .published = "hardly matters",
                             .ours = percent_text(more(at_25ms[2])),
                             .holds = judge_equality(at_25ms[2]),
                             .note = {}});
  const FigureRange slow = range_of(at_1s[1]);
  figure.verdicts.push_back({.claim = "block, 1 s against 1 us",
                             .published = "hurts",
                             .ours = factor_text(slow),
                             .holds = slow.least > 1 + kFactorTolerance ? Holds::kYes : Holds::kNo,
                             .note = fmt::format("hitless leaves so slow a switch alone: {}",
                                                 factor_text(range_of(at_1s[2])))});
  return figure;
}

}  // namespace

FigureStudy degree_figure(const FigureSettings& settings) {
  return study_of(make_degree_runs(settings), degree);
}

FigureStudy delay_figure(const FigureSettings& settings) {
  return study_of(make_delay_runs(settings), delay);
}

}  // namespace mixnet
