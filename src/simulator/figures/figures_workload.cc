// Larger micro-batches (appendix D.4 and section 7.3) and larger clusters (appendix D.5), both of
// Mixtral 8x7B.
#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "figures/figure_study.h"
#include "figures/figure_verdict.h"

namespace mixnet {
namespace {

constexpr std::string_view kModel = "mixtral-8x7b";
constexpr Bandwidth kSpeed = Bandwidth::gbps(400);
constexpr std::pair<Reconfiguration, std::string_view> kPolicies[] = {
    {Reconfiguration::kHidden, "reconfiguration hidden"}, {Reconfiguration::kBlock, "block 25 ms"}};

constexpr std::array kMicroBatches = {8, 16, 32, 64};

struct BatchRuns {
  struct Case {
    bool is_fitted = true;
    std::string policy;
    std::array<std::size_t, kMicroBatches.size()> runs{};
  };
  std::vector<Case> cases;
  std::size_t packets = 0;  // of the largest micro-batch, fitted and hidden
  Comparisons comparisons;

  /// How many times as fast as topoopt mixnet is, by speed.
  std::vector<double> gains(std::size_t run) const {
    std::vector<double> gains;
    for (const Bandwidth bandwidth : published_bandwidths()) {
      gains.push_back(comparisons.seconds(run, FabricKind::kTopoOpt, bandwidth) /
                      comparisons.seconds(run, FabricKind::kMixNet, bandwidth));
    }
    return gains;
  }
};

BatchRuns make_batch_runs(const FigureSettings& settings) {
  BatchRuns made;
  for (const bool is_fitted : {true, false}) {
    for (const auto& [policy, name] : kPolicies) {
      BatchRuns::Case one{.is_fitted = is_fitted, .policy = std::string(name)};
      for (std::size_t i = 0; i < kMicroBatches.size(); ++i) {
        ComparisonRequest request = published_request(settings, kModel);
        request.fabrics = {FabricKind::kTopoOpt, FabricKind::kMixNet};
        request.plan.micro_batch_size = kMicroBatches[i];
        request.iteration.reconfiguration = policy;
        if (!is_fitted) request.compute_scale = 1;
        one.runs[i] = made.comparisons.add(request);
        if (!is_fitted || policy != Reconfiguration::kHidden || i + 1 < kMicroBatches.size()) {
          continue;
        }
        request.bandwidths = {kSpeed};
        made.packets = made.comparisons.add(in_packets(std::move(request)));
      }
      made.cases.push_back(std::move(one));
    }
  }
  return made;
}

Figure batch(const BatchRuns& runs) {
  Figure figure = begin_figure(
      {.name = "batch",
       .title = "Larger micro-batches, Mixtral 8x7B",
       .place = "section 7.3 and appendix D.4",
       .question = "Does mixnet's lead over topoopt grow with the micro-batch?",
       .settings =
           "1,024 GPUs; measured routing, eager 1F1B; mean over 100, 200, 400 and 800 Gb/s"},
      FigureKind::kLine, log_axis("micro-batch", "sequences"),
      linear_axis("times as fast as topoopt"));
  for (const bool is_fitted : {true, false}) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = is_fitted ? "compute times fitted to the fat-tree" : "compute times of an H100";
    for (const BatchRuns::Case& one : runs.cases) {
      if (one.is_fitted != is_fitted) continue;
      for (std::size_t i = 0; i < kMicroBatches.size(); ++i) {
        series_of(panel, "mixnet, " + one.policy)
            .points.push_back(
                {static_cast<double>(kMicroBatches[i]), mean_of(runs.gains(one.runs[i])), {}});
      }
    }
    series_of(panel, "mixnet", FigureOrigin::kPublished).points = {
        {8, 1.4, {}}, {32, 1.8, {}}, {64, 2.0, {}}};
  }

  for (const auto& [size, published] : {std::pair(2, 1.8), std::pair(3, 2.0)}) {
    const auto at = static_cast<std::size_t>(size);
    const std::vector<double> fitted = runs.gains(runs.cases[0].runs[at]);
    const std::vector<double> h100 = runs.gains(runs.cases[2].runs[at]);
    figure.verdicts.push_back(
        {.claim = fmt::format("mixnet faster than topoopt at micro-batch {}", kMicroBatches[at]),
         .published = factor_text(published),
         .ours = factor_text(mean_of(fitted)),
         .holds = judge_factor(published, mean_of(fitted)),
         .note = fmt::format("{} by speed; with compute times of an H100 {}",
                             factor_text(range_of(fitted)), factor_text(mean_of(h100)))});
  }
  const double growth = mean_of(runs.gains(runs.cases[0].runs.back())) /
                        mean_of(runs.gains(runs.cases[0].runs.front()));
  figure.verdicts.push_back({.claim = "the lead at micro-batch 64 over that at 8",
                             .published = factor_text(2.0 / 1.4),
                             .ours = factor_text(growth),
                             .holds = judge_factor(2.0 / 1.4, growth),
                             .note = "compute and bytes both grow with the micro-batch"});
  for (const FabricKind fabric : {FabricKind::kTopoOpt, FabricKind::kMixNet}) {
    figure.checks.push_back(
        {.what =
             fmt::format("micro-batch 64, {}, {}: iteration", to_string(fabric), to_string(kSpeed)),
         .unit = "s",
         .fluid = runs.comparisons.seconds(runs.cases[0].runs.back(), fabric, kSpeed),
         .packets = runs.comparisons.seconds(runs.packets, fabric, kSpeed)});
  }
  return figure;
}

constexpr std::array kGpus = {1024, 2048, 4096, 8192, 16384, 32768};

struct ScaleRuns {
  std::array<std::array<std::size_t, kGpus.size()>, std::size(kPolicies)> runs{};  // by policy
  std::size_t packets = 0;  // of the smallest, hidden
  Comparisons comparisons;

  double throughput(std::size_t run) const {
    return comparisons.run(run, FabricKind::kMixNet, kSpeed).tokens_per_second /
           comparisons.run(run, FabricKind::kFatTree, kSpeed).tokens_per_second;
  }
  double per_dollar(std::size_t run) const {
    return *comparisons.run(run, FabricKind::kMixNet, kSpeed).performance_per_dollar_vs_fat_tree;
  }
};

ScaleRuns make_scale_runs(const FigureSettings& settings) {
  ScaleRuns made;
  for (std::size_t p = 0; p < std::size(kPolicies); ++p) {
    for (std::size_t i = 0; i < kGpus.size(); ++i) {
      ComparisonRequest request = published_request(settings, kModel);
      request.fabrics = {FabricKind::kFatTree, FabricKind::kMixNet};
      request.bandwidths = {kSpeed};
      request.routing = "dynamic";  // replicas differ, and wait for the slowest
      request.plan.gpus = kGpus[i];
      request.iteration.reconfiguration = kPolicies[p].first;
      made.runs[p][i] = made.comparisons.add(request);
      if (p == 0 && i == 0) made.packets = made.comparisons.add(in_packets(std::move(request)));
    }
  }
  return made;
}

Figure scale(const ScaleRuns& runs) {
  Figure figure =
      begin_figure({.name = "scale",
                    .title = "Larger clusters, Mixtral 8x7B at 400 Gb/s",
                    .place = "appendix D.5",
                    .question = "Does mixnet keep up with a fat-tree as the cluster grows?",
                    .settings = "128 to 4,096 servers; dynamic routing, eager 1F1B; compute times "
                                "fitted to the published fat-tree series"},
                   FigureKind::kLine, log_axis("size of the cluster", "GPUs"),
                   linear_axis("mixnet relative to fat-tree"));
  FigurePanel& panel = figure.panels.emplace_back();
  std::array<std::vector<double>, std::size(kPolicies)> throughput, per_dollar;
  for (std::size_t p = 0; p < std::size(kPolicies); ++p) {
    const std::string_view policy = kPolicies[p].second;
    for (std::size_t i = 0; i < kGpus.size(); ++i) {
      const double x = kGpus[i];
      const std::size_t run = runs.runs[p][i];
      throughput[p].push_back(runs.throughput(run));
      per_dollar[p].push_back(runs.per_dollar(run));
      series_of(panel, fmt::format("throughput, {}", policy))
          .points.push_back({x, throughput[p].back(), {}});
      series_of(panel, fmt::format("performance per dollar, {}", policy))
          .points.push_back({x, per_dollar[p].back(), {}});
    }
  }
  series_of(panel, "throughput, reconfiguration hidden", FigureOrigin::kPackets)
      .points.push_back({static_cast<double>(kGpus[0]), runs.throughput(runs.packets), {}});

  figure.verdicts.push_back(
      {.claim = "throughput of mixnet on par with fat-tree, 128 to 4,096 servers",
       .published = "on par",
       .ours = factor_text(range_of(throughput[0])),
       .holds = judge_equality(throughput[0]),
       .note = fmt::format("with block 25 ms {}", factor_text(range_of(throughput[1])))});
  figure.verdicts.push_back(
      {.claim = "performance per dollar of mixnet over fat-tree, 128 to 4,096 servers",
       .published = "about " + factor_text(2.0),
       .ours = factor_text(range_of(per_dollar[0])),
       .holds = judge_range({2.0, 2.0}, range_of(per_dollar[0])),
       .note = fmt::format("with block 25 ms {}", factor_text(range_of(per_dollar[1])))});
  for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kMixNet}) {
    figure.checks.push_back(
        {.what = fmt::format("1,024 GPUs, {}, {}: iteration", to_string(fabric), to_string(kSpeed)),
         .unit = "s",
         .fluid = runs.comparisons.seconds(runs.runs[0][0], fabric, kSpeed),
         .packets = runs.comparisons.seconds(runs.packets, fabric, kSpeed)});
  }
  return figure;
}

}  // namespace

FigureStudy batch_figure(const FigureSettings& settings) {
  return study_of(make_batch_runs(settings), batch);
}

FigureStudy scale_figure(const FigureSettings& settings) {
  return study_of(make_scale_runs(settings), scale);
}

}  // namespace mixnet
