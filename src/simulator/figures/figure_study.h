// How a figure of the paper is computed: pieces of work that do not depend on each other, for all
// cores, and the figure that they make in the end. reproduction.h runs them; a figures_*.cc is a
// family of figures.
//
// Settings that several figures share:
//   published_request()   those of the authors' simulations as far as they are known, as in
//                         validation.h: `measured` routing, eager 1F1B, circuits first, reconfigu-
//                         ration hidden; compute times times the factor that validate() fits to the
//                         published fat-tree series, for models that have one, else 1
//   default_request()     those of `mixnet compare --paper`: `dynamic` routing, block 25 ms,
//   nothing fitted
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compare/comparison.h"
#include "compare/validation.h"
#include "figures/figure.h"
#include "hardware/gpu.h"
#include "hardware/prices.h"

namespace mixnet {

struct FigureSettings {
  Gpu gpu;  ///< of all figures but optical-io
  PriceList prices;
  std::uint64_t seed = 1;
  Validation validation;  ///< against data/published; empty for figures that do not ask for it

  const ModelFit* fit(std::string_view model) const;  ///< null where there is no series
};

struct FigureStudy {
  std::vector<std::function<void()>> work;  ///< for any threads, in any order
  std::function<Figure()> figure;           ///< when all have run
};

/// Requests of compare(), each of which is a piece of work, and what they gave. Copies share both.
class Comparisons {
 public:
  /// The number of the request; `fidelity` of it runs on one thread.
  std::size_t add(ComparisonRequest request);
  std::vector<std::function<void()>> work() const;

  const Comparison& at(std::size_t number) const;
  const ComparisonRun& run(std::size_t number, FabricKind fabric, Bandwidth bandwidth) const;
  double seconds(std::size_t number, FabricKind fabric, Bandwidth bandwidth) const;

 private:
  struct Slot {
    ComparisonRequest request;
    Comparison result;
  };
  std::shared_ptr<std::deque<Slot>> slots_ = std::make_shared<std::deque<Slot>>();
};

ComparisonRequest published_request(const FigureSettings& settings, std::string_view model);
ComparisonRequest default_request(const FigureSettings& settings, std::string_view model);
/// The same in packets, with shortcuts.
ComparisonRequest in_packets(ComparisonRequest request);

/// 100, 200, 400 and 800 Gb/s.
std::span<const Bandwidth> published_bandwidths();

/// The series of a panel that has that name and origin; made at its end when there is none.
FigureSeries& series_of(FigurePanel& panel, std::string_view name,
                        FigureOrigin origin = FigureOrigin::kOurs);

/// What stands over a figure.
struct FigureHeading {
  std::string name, title;
  std::string place;  ///< in the paper: "section 7.5"
  std::string question;
  std::string settings;
};

Figure begin_figure(FigureHeading heading, FigureKind kind, FigureAxis x, FigureAxis y);

FigureAxis linear_axis(std::string label, std::string unit = {});
FigureAxis log_axis(std::string label, std::string unit = {});
FigureAxis bandwidth_axis();

/// Of requests that `runs.comparisons` holds, and the figure that they make.
template <typename Runs>
FigureStudy study_of(Runs runs, Figure (*make)(const Runs& runs)) {
  return {.work = runs.comparisons.work(), .figure = [runs, make] { return make(runs); }};
}

FigureStudy cost_figure(const FigureSettings& settings);
FigureStudy iteration_figure(const FigureSettings& settings);
FigureStudy pareto_figure(const FigureSettings& settings);
FigureStudy failures_figure(const FigureSettings& settings);
FigureStudy optical_io_figure(const FigureSettings& settings);
FigureStudy copilot_figure(const FigureSettings& settings);
FigureStudy eps_links_figure(const FigureSettings& settings);
FigureStudy batch_figure(const FigureSettings& settings);
FigureStudy scale_figure(const FigureSettings& settings);
FigureStudy degree_figure(const FigureSettings& settings);
FigureStudy delay_figure(const FigureSettings& settings);

}  // namespace mixnet
