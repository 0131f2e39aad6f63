#include "figures/figure_study.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {

const ModelFit* FigureSettings::fit(std::string_view model) const {
  const auto found = std::ranges::find(validation.fits, model, &ModelFit::model);
  return found == validation.fits.end() ? nullptr : &*found;
}

std::size_t Comparisons::add(ComparisonRequest request) {
  request.iteration.fidelity.threads = 1;
  slots_->push_back({std::move(request), {}});
  return slots_->size() - 1;
}

std::vector<std::function<void()>> Comparisons::work() const {
  std::vector<std::function<void()>> work;
  for (std::size_t i = 0; i < slots_->size(); ++i) {
    work.emplace_back([slots = slots_, i] {
      Slot& slot = (*slots)[i];
      slot.result = compare(slot.request);
      if (!slot.result.left_out.empty()) {
        const LeftOut& one = slot.result.left_out.front();
        throw Error(to_string(one.fabric), "cannot do what the figure shows", one.reason);
      }
    });
  }
  return work;
}

const Comparison& Comparisons::at(std::size_t number) const { return slots_->at(number).result; }

const ComparisonRun& Comparisons::run(std::size_t number, FabricKind fabric,
                                      Bandwidth bandwidth) const {
  const std::vector<ComparisonRun>& runs = at(number).runs;
  return *std::ranges::find_if(runs, [&](const ComparisonRun& run) {
    return run.fabric == fabric && run.bandwidth == bandwidth;
  });
}

double Comparisons::seconds(std::size_t number, FabricKind fabric, Bandwidth bandwidth) const {
  return run(number, fabric, bandwidth).time.total.to_seconds();
}

ComparisonRequest default_request(const FigureSettings& settings, std::string_view model) {
  ComparisonRequest request;
  request.model = find_model(model);
  request.gpu = settings.gpu;
  request.bandwidths = {Bandwidth::gbps(400)};
  request.seed = settings.seed;
  request.prices = settings.prices;
  return request;
}

ComparisonRequest published_request(const FigureSettings& settings, std::string_view model) {
  ComparisonRequest request = default_request(settings, model);
  request.routing = "measured";
  request.iteration = published_settings();
  const std::span<const Bandwidth> bandwidths = published_bandwidths();
  request.bandwidths.assign(bandwidths.begin(), bandwidths.end());
  if (const ModelFit* fit = settings.fit(model)) request.compute_scale = fit->compute_scale;
  return request;
}

ComparisonRequest in_packets(ComparisonRequest request) {
  request.iteration.fidelity.fidelity = Fidelity::kAuto;
  return request;
}

std::span<const Bandwidth> published_bandwidths() {
  static constexpr Bandwidth kBandwidths[] = {Bandwidth::gbps(100), Bandwidth::gbps(200),
                                              Bandwidth::gbps(400), Bandwidth::gbps(800)};
  return kBandwidths;
}

FigureSeries& series_of(FigurePanel& panel, std::string_view name, FigureOrigin origin) {
  const auto found = std::ranges::find_if(panel.series, [&](const FigureSeries& series) {
    return series.name == name && series.origin == origin;
  });
  if (found != panel.series.end()) return *found;
  return panel.series.emplace_back(
      FigureSeries{.name = std::string(name), .origin = origin, .points = {}});
}

Figure begin_figure(FigureHeading heading, FigureKind kind, FigureAxis x, FigureAxis y) {
  Figure figure;
  figure.name = std::move(heading.name);
  figure.title = std::move(heading.title);
  figure.source = "MixNet (SIGCOMM 2025), " + heading.place;
  figure.question = std::move(heading.question);
  figure.settings = std::move(heading.settings);
  figure.kind = kind;
  figure.x = std::move(x);
  figure.y = std::move(y);
  return figure;
}

FigureAxis linear_axis(std::string label, std::string unit) {
  return {std::move(label), std::move(unit), false, {}};
}

FigureAxis log_axis(std::string label, std::string unit) {
  return {std::move(label), std::move(unit), true, {}};
}

FigureAxis bandwidth_axis() { return log_axis("bandwidth of a NIC", "Gb/s"); }

}  // namespace mixnet
