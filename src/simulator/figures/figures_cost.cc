// Networking cost: by fabric, size and speed (section 7.2), and with other links from servers to
// their ToR switches (appendix D.3). Prices and arithmetic only.
#include <fmt/format.h>

#include <array>

#include "fabric/cost.h"
#include "figures/figure_study.h"
#include "figures/figure_verdict.h"

namespace mixnet {
namespace {

constexpr int kGpusPerServer = 8;  // and as many NICs
constexpr FabricKind kPriced[] = {FabricKind::kFatTree, FabricKind::kOversubFatTree,
                                  FabricKind::kRailOptimized, FabricKind::kTopoOpt,
                                  FabricKind::kMixNet};
constexpr int kSizes[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096};  // servers

double usd(const FigureSettings& settings, FabricKind fabric, int servers, Bandwidth bandwidth,
           ServerLink link = ServerLink::kOptics) {
  CostRequest request;
  request.fabric = fabric;
  request.servers = servers;
  request.bandwidth = bandwidth;
  request.server_link = link;
  return network_cost(request, settings.prices).total_usd();
}

/// How many times as much the fat-tree costs as MixNet.
double saving(const FigureSettings& settings, int servers, Bandwidth bandwidth,
              ServerLink link = ServerLink::kOptics) {
  return usd(settings, FabricKind::kFatTree, servers, bandwidth, link) /
         usd(settings, FabricKind::kMixNet, servers, bandwidth, link);
}

FigureAxis gpus_axis() { return log_axis("size of the cluster", "GPUs"); }
FigureAxis usd_axis() { return log_axis("networking cost", "USD"); }

Figure cost(const FigureSettings& settings) {
  Figure figure = begin_figure(
      {.name = "cost",
       .title = "Networking cost",
       .place = "section 7.2 and appendix D.2",
       .question = "What does the network of a cluster cost, by fabric, size and speed?",
       .settings = "servers of 8 GPUs and 8 NICs, on mixnet 2 electrical and 6 optical; optics"},
      FigureKind::kLine, gpus_axis(), usd_axis());
  for (const Bandwidth bandwidth : published_bandwidths()) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = to_string(bandwidth);
    for (const FabricKind fabric : kPriced) {
      FigureSeries& series = series_of(panel, to_string(fabric));
      for (const int servers : kSizes) {
        series.points.push_back({static_cast<double>(servers) * kGpusPerServer,
                                 usd(settings, fabric, servers, bandwidth),
                                 {}});
      }
    }
  }

  constexpr std::array kPublished = {1.52, 1.79, 2.29, 2.33};
  std::vector<double> savings;
  for (std::size_t i = 0; i < kPublished.size(); ++i) {
    const Bandwidth bandwidth = published_bandwidths()[i];
    savings.push_back(saving(settings, 128, bandwidth));
    figure.verdicts.push_back(
        {.claim = fmt::format("a fat-tree costs so many times as much as mixnet at {}",
                              to_string(bandwidth)),
         .published = factor_text(kPublished[i]),
         .ours = factor_text(savings.back()),
         .holds = judge_factor(kPublished[i], savings.back()),
         .note = {}});
  }
  figure.verdicts.push_back({.claim = "the same on average over the four speeds",
                             .published = factor_text(2.0),
                             .ours = factor_text(mean_of(savings)),
                             .holds = judge_factor(2.0, mean_of(savings)),
                             .note = {}});
  return figure;
}

Figure eps_links(const FigureSettings& settings) {
  constexpr ServerLink kLinks[] = {ServerLink::kOptics, ServerLink::kDac, ServerLink::kAoc};
  constexpr Bandwidth kSpeed = Bandwidth::gbps(400);
  constexpr int kServers = 512;  // 4096 GPUs
  Figure figure = begin_figure(
      {.name = "eps-links",
       .title = "Networking cost with DAC or AOC on electrical server links",
       .place = "appendix D.3",
       .question = "Does mixnet stay cheaper when servers reach their ToR switches by cables?",
       .settings = "400 Gb/s; a cable in place of two transceivers and a fibre; cable prices are "
                   "this project's assumptions"},
      FigureKind::kLine, gpus_axis(), usd_axis());
  for (const ServerLink link : kLinks) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = to_string(link);
    for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kMixNet}) {
      FigureSeries& series = series_of(panel, to_string(fabric));
      for (const int servers : kSizes) {
        series.points.push_back({static_cast<double>(servers) * kGpusPerServer,
                                 usd(settings, fabric, servers, kSpeed, link),
                                 {}});
      }
    }
  }

  for (const ServerLink link : {ServerLink::kDac, ServerLink::kAoc}) {
    const double ours = saving(settings, kServers, kSpeed, link);
    figure.verdicts.push_back(
        {.claim = fmt::format("a fat-tree of {} costs so many times as much as mixnet, 4096 GPUs, "
                              "400 Gb/s",
                              link == ServerLink::kDac ? "DACs" : "AOCs"),
         .published = factor_text(2.2),
         .ours = factor_text(ours),
         .holds = judge_factor(2.2, ours),
         .note = {}});
    const auto left = [&](FabricKind fabric) {
      return usd(settings, fabric, kServers, kSpeed, link) /
             usd(settings, fabric, kServers, kSpeed);
    };
    const double tree = left(FabricKind::kFatTree), mixnet = left(FabricKind::kMixNet);
    const double ratio = tree / mixnet;
    figure.verdicts.push_back(
        {.claim = fmt::format("{} lower both alike", link == ServerLink::kDac ? "DACs" : "AOCs"),
         .published = "alike",
         .ours = fmt::format("fat-tree {}, mixnet {}", percent_text(tree - 1),
                             percent_text(mixnet - 1)),
         .holds = judge_equality(std::vector{ratio}),
         .note = "cable prices are assumed"});
  }
  return figure;
}

}  // namespace

FigureStudy cost_figure(const FigureSettings& settings) {
  return {.work = {}, .figure = [settings] { return cost(settings); }};
}

FigureStudy eps_links_figure(const FigureSettings& settings) {
  return {.work = {}, .figure = [settings] { return eps_links(settings); }};
}

}  // namespace mixnet
