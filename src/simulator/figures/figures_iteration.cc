// Iteration time on every fabric (section 7.3), and what a dollar buys.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "figures/figure_study.h"
#include "figures/figure_verdict.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr FabricKind kFabrics[] = {FabricKind::kFatTree, FabricKind::kOversubFatTree,
                                   FabricKind::kRailOptimized, FabricKind::kTopoOpt,
                                   FabricKind::kMixNet};
constexpr std::string_view kModels[] = {"mixtral-8x22b", "mixtral-8x7b", "llama-moe", "qwen-moe",
                                        "deepseek-r1"};
constexpr FabricKind kChecked[] = {FabricKind::kFatTree, FabricKind::kTopoOpt, FabricKind::kMixNet};
constexpr Bandwidth kCheckedAt = Bandwidth::gbps(400);
constexpr const char* kSettings =
    "1,024 GPUs; measured routing, reconfiguration hidden, eager 1F1B; compute times fitted to the "
    "published fat-tree series (DeepSeek-R1: H100 as it is)";

/// The five models on all fabrics, and some of it in packets.
struct Runs {
  struct OfModel {
    std::string name, title;
    std::size_t hidden = 0, block = 0;
    std::optional<std::size_t> packets;
  };
  std::vector<OfModel> models;
  Comparisons comparisons;

  double seconds(const OfModel& model, FabricKind fabric, Bandwidth bandwidth) const {
    return comparisons.seconds(model.hidden, fabric, bandwidth);
  }
  /// How many times as long mixnet takes with block 25 ms.
  double block_over_hidden(const OfModel& model, Bandwidth bandwidth) const {
    return comparisons.seconds(model.block, FabricKind::kMixNet, bandwidth) /
           seconds(model, FabricKind::kMixNet, bandwidth);
  }
  /// By speed: iteration on `other` over that on mixnet.
  std::vector<double> over_mixnet(const OfModel& model, FabricKind other) const {
    std::vector<double> ratios;
    for (const Bandwidth bandwidth : published_bandwidths()) {
      ratios.push_back(seconds(model, other, bandwidth) /
                       seconds(model, FabricKind::kMixNet, bandwidth));
    }
    return ratios;
  }
};

Runs make_runs(const FigureSettings& settings, std::span<const std::string_view> in_packets_too) {
  Runs runs;
  for (const std::string_view name : kModels) {
    ComparisonRequest request = published_request(settings, name);
    request.fabrics.assign(std::begin(kFabrics), std::end(kFabrics));
    Runs::OfModel model;
    model.name = name;
    model.title = request.model.title;
    model.hidden = runs.comparisons.add(request);
    ComparisonRequest block = request;
    block.fabrics = {FabricKind::kMixNet};
    block.iteration.reconfiguration = Reconfiguration::kBlock;
    model.block = runs.comparisons.add(std::move(block));
    if (std::ranges::find(in_packets_too, name) != in_packets_too.end()) {
      request.fabrics.assign(std::begin(kChecked), std::end(kChecked));
      request.bandwidths = {kCheckedAt};
      model.packets = runs.comparisons.add(in_packets(std::move(request)));
    }
    runs.models.push_back(std::move(model));
  }
  return runs;
}

void add_checks(Figure& figure, const Runs& runs) {
  for (const Runs::OfModel& model : runs.models) {
    if (!model.packets) continue;
    for (const FabricKind fabric : kChecked) {
      figure.checks.push_back(
          {.what = fmt::format("{}, {}, {}: iteration", model.title, to_string(fabric),
                               to_string(kCheckedAt)),
           .unit = "s",
           .fluid = runs.seconds(model, fabric, kCheckedAt),
           .packets = runs.comparisons.seconds(*model.packets, fabric, kCheckedAt)});
    }
  }
}

class IterationFigure {
 public:
  IterationFigure(const FigureSettings& settings, const Runs& runs)
      : settings_(settings), runs_(runs) {}

  Figure make() {
    figure_ = begin_figure({.name = "iteration",
                            .title = "Iteration time by fabric and speed",
                            .place = "section 7.3 and the project's web site",
                            .question = "How long does a training iteration take on each fabric?",
                            .settings = kSettings},
                           FigureKind::kLine, bandwidth_axis(), linear_axis("iteration time", "s"));
    for (const Runs::OfModel& model : runs_.models) figure_.panels.push_back(panel(model));
    judge_against_fabrics();
    judge_against_series();
    add_checks(figure_, runs_);
    return std::move(figure_);
  }

 private:
  FigurePanel panel(const Runs::OfModel& model) const {
    FigurePanel panel{.title = model.title, .series = {}};
    for (const FabricKind fabric : kFabrics) {
      for (const Bandwidth bandwidth : published_bandwidths()) {
        series_of(panel, to_string(fabric))
            .points.push_back({bandwidth.to_gbps(), runs_.seconds(model, fabric, bandwidth), {}});
      }
    }
    for (const Bandwidth bandwidth : published_bandwidths()) {
      series_of(panel, "mixnet, block 25 ms")
          .points.push_back({bandwidth.to_gbps(),
                             runs_.comparisons.seconds(model.block, FabricKind::kMixNet, bandwidth),
                             {}});
    }
    if (model.packets) {
      for (const FabricKind fabric : kChecked) {
        series_of(panel, to_string(fabric), FigureOrigin::kPackets)
            .points.push_back({kCheckedAt.to_gbps(),
                               runs_.comparisons.seconds(*model.packets, fabric, kCheckedAt),
                               {}});
      }
    }
    if (const ModelFit* fit = settings_.fit(model.name)) {
      for (const ValidationRow& row : settings_.validation.rows) {
        if (row.published.model != model.name) continue;
        series_of(panel, to_string(row.published.fabric), FigureOrigin::kPublished)
            .points.push_back({row.published.bandwidth.to_gbps(),
                               row.published.time * fit->seconds_per_unit,
                               {}});
      }
    }
    return panel;
  }

  void judge_against_fabrics() {
    for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kRailOptimized}) {
      std::vector<double> ratios, blocked;
      for (const Runs::OfModel& model : runs_.models) {
        std::vector<double> hidden, block;
        for (const Bandwidth bandwidth : published_bandwidths()) {
          hidden.push_back(runs_.seconds(model, FabricKind::kMixNet, bandwidth) /
                           runs_.seconds(model, fabric, bandwidth));
          block.push_back(hidden.back() * runs_.block_over_hidden(model, bandwidth));
        }
        ratios.push_back(mean_of(hidden));
        blocked.push_back(mean_of(block));
      }
      figure_.verdicts.push_back(
          {.claim = fmt::format("mixnet takes about as long as {}", to_string(fabric)),
           .published = "about equal",
           .ours = fmt::format("{} by model", factor_text(range_of(ratios))),
           .holds = judge_equality(ratios),
           .note = fmt::format("{}; ours with block 25 ms {}", series_note(fabric),
                               factor_text(range_of(blocked)))});
    }
    constexpr std::pair<std::string_view, double> kOverTopoOpt[] = {
        {"mixtral-8x22b", 1.5}, {"mixtral-8x7b", 1.4}, {"qwen-moe", 1.5}, {"deepseek-r1", 1.3}};
    for (const auto& [name, published] : kOverTopoOpt) {
      const Runs::OfModel& model = *std::ranges::find(runs_.models, name, &Runs::OfModel::name);
      const double ours = mean_of(runs_.over_mixnet(model, FabricKind::kTopoOpt));
      figure_.verdicts.push_back(
          {.claim =
               fmt::format("{}: mixnet faster than topoopt, mean over 100-800 Gb/s", model.title),
           .published = factor_text(published),
           .ours = factor_text(ours),
           .holds = judge_factor(published, ours),
           .note = "TopoOpt's topologies are not published"});
    }
    double most = 0;
    std::string of;
    for (const Runs::OfModel& model : runs_.models) {
      const std::vector<double> ratios = runs_.over_mixnet(model, FabricKind::kOversubFatTree);
      const double here = range_of(ratios).most;
      if (here > most) most = here, of = model.title;
    }
    figure_.verdicts.push_back({.claim = "mixnet faster than the 3:1 over-subscribed fat-tree, at "
                                         "most",
                                .published = factor_text(1.6),
                                .ours = fmt::format("{} ({})", factor_text(most), of),
                                .holds = judge_factor(1.6, most),
                                .note = "grows with the share of EP in the iteration"});
  }

  /// What the published series themselves have for that claim.
  std::string series_note(FabricKind fabric) const {
    std::map<std::pair<std::string, Bandwidth>, std::array<double, 2>> both;
    for (const ValidationRow& row : settings_.validation.rows) {
      auto& pair = both[{row.published.model, row.published.bandwidth}];
      if (row.published.fabric == fabric) pair[0] = row.published.time;
      if (row.published.fabric == FabricKind::kMixNet) pair[1] = row.published.time;
    }
    std::vector<double> ratios;
    ratios.reserve(both.size());
    for (const auto& [key, pair] : both) ratios.push_back(pair[1] / pair[0]);
    return fmt::format("the published series have {} by case", factor_text(range_of(ratios)));
  }

  void judge_against_series() {
    for (const FabricKind fabric :
         {FabricKind::kMixNet, FabricKind::kRailOptimized, FabricKind::kTopoOpt}) {
      for (const Runs::OfModel& model : runs_.models) {
        std::vector<double> factors;
        std::vector<double> errors;
        for (const ValidationRow& row : settings_.validation.rows) {
          if (row.published.model != model.name || row.published.fabric != fabric) continue;
          factors.push_back(row.simulated / row.published.time);
          errors.push_back(row.error());
        }
        if (errors.empty()) continue;
        figure_.verdicts.push_back(
            {.claim = fmt::format("{}: published iteration times of {} at 100 and 400 Gb/s",
                                  model.title, to_string(fabric)),
             .published = "the series",
             .ours = percent_text(range_of(errors)),
             .holds = judge_equality(factors),
             .note = "fitted on the fat-tree series alone"});
      }
    }
  }

  const FigureSettings& settings_;
  const Runs& runs_;
  Figure figure_;
};

Figure pareto(const Runs& runs) {
  Figure figure = begin_figure({.name = "pareto",
                                .title = "Networking cost and training speed",
                                .place = "section 7.3",
                                .question = "Which fabric gives most training for the money? From "
                                            "left to right: 100, 200, 400, 800 Gb/s.",
                                .settings = kSettings},
                               FigureKind::kScatter, log_axis("networking cost", "USD"),
                               linear_axis("training speed", "tokens/s"));
  for (const Runs::OfModel& model : runs.models) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = model.title;
    for (const ComparisonRun& run : runs.comparisons.at(model.hidden).runs) {
      series_of(panel, to_string(run.fabric))
          .points.push_back(
              {*run.network_cost_usd, run.tokens_per_second, to_string(run.bandwidth)});
    }
    if (!model.packets) continue;
    for (const ComparisonRun& run : runs.comparisons.at(*model.packets).runs) {
      series_of(panel, to_string(run.fabric), FigureOrigin::kPackets)
          .points.push_back(
              {*run.network_cost_usd, run.tokens_per_second, to_string(run.bandwidth)});
    }
  }

  struct Claim {
    FabricKind against;
    std::array<FigureRange, 4> published;  // by speed
  };
  constexpr std::array kClaims = {
      Claim{FabricKind::kFatTree, {{{1.2, 1.5}, {1.4, 1.8}, {1.9, 2.3}, {2.0, 2.4}}}},
      Claim{FabricKind::kRailOptimized, {{{1.4, 1.5}, {1.7, 1.9}, {2.3, 2.4}, {2.2, 2.6}}}}};
  for (const Claim& claim : kClaims) {
    for (std::size_t i = 0; i < claim.published.size(); ++i) {
      const Bandwidth bandwidth = published_bandwidths()[i];
      std::vector<double> gains, blocked;
      for (const Runs::OfModel& model : runs.models) {
        const auto gain = [&](FabricKind fabric) {
          return *runs.comparisons.run(model.hidden, fabric, bandwidth)
                      .performance_per_dollar_vs_fat_tree;
        };
        gains.push_back(gain(FabricKind::kMixNet) / gain(claim.against));
        blocked.push_back(gains.back() / runs.block_over_hidden(model, bandwidth));
      }
      figure.verdicts.push_back(
          {.claim = fmt::format("performance per dollar of mixnet over {} at {}",
                                to_string(claim.against), to_string(bandwidth)),
           .published = factor_text(claim.published[i]),
           .ours = factor_text(range_of(gains)),
           .holds = judge_range(claim.published[i], range_of(gains)),
           .note = fmt::format("with block 25 ms {}", factor_text(range_of(blocked)))});
    }
  }
  add_checks(figure, runs);
  return figure;
}

}  // namespace

FigureStudy iteration_figure(const FigureSettings& settings) {
  const Runs runs = make_runs(settings, kModels);
  return {.work = runs.comparisons.work(),
          .figure = [settings, runs] { return IterationFigure(settings, runs).make(); }};
}

FigureStudy pareto_figure(const FigureSettings& settings) {
  constexpr std::string_view kInPackets[] = {"mixtral-8x7b"};
  return study_of(make_runs(settings, kInPackets), pareto);
}

}  // namespace mixnet
