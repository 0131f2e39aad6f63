// NVL72 against MixNet with optical I/O (section 8). docs/optical-io.md has what the factor depends
// on.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "figures/figure_study.h"
#include "figures/figure_verdict.h"

namespace mixnet {
namespace {

constexpr int kDomainGpus = 64;
constexpr std::array kNics = {Bandwidth::gbps(800), Bandwidth::gbps(1600)};
constexpr int kGpuOverNic = 10;
constexpr int kMicroBatch = 240;

struct Setting {
  std::string_view name, gpu, routing;
};
constexpr Setting kSettings[] = {{"B200, uniform routing", "b200", "uniform"},
                                 {"B200, dynamic routing", "b200", "dynamic"},
                                 {"H100, uniform routing", "h100", "uniform"},
                                 {"H100, dynamic routing", "h100", "dynamic"}};

struct OpticalIoRuns {
  std::array<std::size_t, std::size(kSettings)> runs{};
  std::size_t fluid = 0, packets = 0;  // micro-batches of one sequence, at the lower speed
  Comparisons comparisons;

  /// How many times as fast as nvl72 mixnet-optical-io is.
  double gain(std::size_t run, Bandwidth nic) const {
    return comparisons.seconds(run, FabricKind::kNvl72, nic) /
           comparisons.seconds(run, FabricKind::kMixNetOpticalIo, nic);
  }
};

ComparisonRequest request_for(const FigureSettings& settings, const Setting& setting) {
  ComparisonRequest request = default_request(settings, "deepseek-v3");
  request.gpu = find_gpu(setting.gpu);
  request.routing = setting.routing;
  request.fabrics = {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo};
  request.bandwidths.assign(kNics.begin(), kNics.end());
  request.plan.gpus = 2048;
  request.plan.gpus_per_server = kDomainGpus;
  request.iteration.network.nics_per_server = kDomainGpus;
  request.plan.pp = 16;
  request.plan.ep = 128;
  request.plan.micro_batch_size = kMicroBatch;
  return request;
}

OpticalIoRuns make_runs(const FigureSettings& settings) {
  OpticalIoRuns made;
  for (std::size_t i = 0; i < std::size(kSettings); ++i) {
    made.runs[i] = made.comparisons.add(request_for(settings, kSettings[i]));
  }
  ComparisonRequest small = request_for(settings, kSettings[0]);
  small.plan.micro_batch_size = 1;
  small.bandwidths = {kNics[0]};
  small.iteration.reconfiguration = Reconfiguration::kHidden;
  made.fluid = made.comparisons.add(small);
  made.packets = made.comparisons.add(in_packets(std::move(small)));
  return made;
}

Figure optical_io(const OpticalIoRuns& runs) {
  Figure figure = begin_figure(
      {.name = "optical-io",
       .title = "MixNet with optical I/O against NVL72",
       .place = "section 8",
       .question = "Is a GPU's bandwidth better spent on NVLink alone, or half of it on optics?",
       .settings = "DeepSeek-V3 on 2,048 GPUs, ep 128, pp 16, micro-batch 240; block 25 ms; "
                   "nothing fitted"},
      FigureKind::kBar, linear_axis("bandwidth of a GPU"), linear_axis("times as fast as nvl72"));
  for (const Bandwidth nic : kNics) figure.x.categories.push_back(to_string(nic * kGpuOverNic));
  FigurePanel& panel = figure.panels.emplace_back();
  series_of(panel, "published", FigureOrigin::kPublished).points = {{0, 1.3, {}}};
  std::array<std::vector<double>, kNics.size()> gains;  // by speed, then setting
  for (std::size_t s = 0; s < std::size(kSettings); ++s) {
    for (std::size_t n = 0; n < kNics.size(); ++n) {
      gains[n].push_back(runs.gain(runs.runs[s], kNics[n]));
      series_of(panel, kSettings[s].name)
          .points.push_back({static_cast<double>(n), gains[n].back(), {}});
    }
  }
  figure.verdicts.push_back(
      {.claim = "mixnet-optical-io faster than nvl72 at 8 Tb/s a GPU",
       .published = factor_text(1.3),
       .ours = fmt::format("{} ({})", factor_text(gains[0][0]), kSettings[0].name),
       .holds = judge_factor(1.3, gains[0][0]),
       .note = fmt::format("GPU and routing are not published; over B200 and H100, uniform and "
                           "dynamic: {}",
                           factor_text(range_of(gains[0])))});
  const bool ahead = std::ranges::all_of(gains[1], [](double gain) { return gain > 1; });
  figure.verdicts.push_back({.claim = "still ahead at 16 Tb/s a GPU",
                             .published = "above 1x",
                             .ours = factor_text(range_of(gains[1])),
                             .holds = ahead             ? Holds::kYes
                                      : gains[1][0] > 1 ? Holds::kPartly
                                                        : Holds::kNo,
                             .note = {}});
  for (const FabricKind fabric : {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo}) {
    figure.checks.push_back(
        {.what = fmt::format("{}, 8 Tb/s, micro-batches of one sequence, hidden: iteration",
                             to_string(fabric)),
         .unit = "s",
         .fluid = runs.comparisons.seconds(runs.fluid, fabric, kNics[0]),
         .packets = runs.comparisons.seconds(runs.packets, fabric, kNics[0])});
  }
  return figure;
}

}  // namespace

FigureStudy optical_io_figure(const FigureSettings& settings) {
  return study_of(make_runs(settings), optical_io);
}

}  // namespace mixnet
