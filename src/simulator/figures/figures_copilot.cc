// How well Copilot tells the busiest experts (appendix B.1). docs/copilot.md has how it is scored.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "compare/prediction_study.h"
#include "figures/figure_study.h"
#include "figures/figure_verdict.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

struct Workload {
  std::string_view model;
  int ep;
};
constexpr Workload kWorkloads[] = {{"mixtral-8x7b", 8}, {"llama-moe", 16}, {"qwen-moe", 32}};
constexpr int kSeeds = 4;
constexpr std::uint64_t kSeedsAfter = 10;  // seeds 1 to 5 chose the predictor's options
constexpr std::int64_t kTokens = std::int64_t{8} * 4096;  // of a micro-batch
constexpr double kClearly = 0.1;                          // of accuracy
constexpr std::string_view kBaselines[] = {"uniform", "previous layer"};
constexpr std::string_view kPredictors[] = {"uniform", "previous layer", "previous iteration",
                                            "published", "copilot"};
constexpr std::size_t kTops = PredictorScore::kTops.size();

PredictionRequest request_for(const Workload& workload, std::uint64_t seed) {
  const Model model = find_model(workload.model);
  PredictionRequest request;
  request.shape = {.ep = workload.ep,
                   .experts = model.placed_experts,
                   .top_k = model.top_k,
                   .layers = moe_layers(model),
                   .tokens = kTokens};
  request.token_bytes = Bytes{std::int64_t{model.hidden} * kBytesPerNumber};
  request.seed = seed;
  return request;
}

using Reports = std::array<std::array<PredictionReport, kSeeds>, std::size(kWorkloads)>;

double accuracy(const Reports& reports, std::size_t workload, std::string_view predictor,
                std::size_t top) {
  std::vector<double> values;
  for (const PredictionReport& report : reports[workload]) {
    values.push_back(
        std::ranges::find(report.predictors, predictor, &PredictorScore::name)->accuracy[top]);
  }
  return mean_of(values);
}

Figure copilot(const Reports& reports) {
  Figure figure = begin_figure(
      {.name = "copilot",
       .title = "Accuracy of Copilot's forecast",
       .place = "appendix B.1",
       .question = "Can the busiest experts be told before the gate has run?",
       .settings = fmt::format(
           "dynamic routing, 200 iterations, mean of {} seeds; copilot is this project's", kSeeds)},
      FigureKind::kBar, linear_axis("experts told"), linear_axis("accuracy"));
  for (const int top : PredictorScore::kTops) {
    figure.x.categories.push_back(fmt::format("top-{}", top));
  }
  for (std::size_t w = 0; w < std::size(kWorkloads); ++w) {
    FigurePanel& panel = figure.panels.emplace_back();
    panel.title = fmt::format("{}, EP {}", find_model(kWorkloads[w].model).title, kWorkloads[w].ep);
    for (const std::string_view predictor : kPredictors) {
      for (std::size_t top = 0; top < kTops; ++top) {
        series_of(panel, predictor == "published" ? "the paper's regression" : predictor)
            .points.push_back({static_cast<double>(top), accuracy(reports, w, predictor, top), {}});
      }
    }
  }

  for (const std::string_view predictor : {"published", "copilot"}) {
    for (const std::string_view baseline : kBaselines) {
      std::vector<double> leads, ours;
      for (std::size_t w = 0; w < std::size(kWorkloads); ++w) {
        for (std::size_t top = 0; top < kTops; ++top) {
          ours.push_back(accuracy(reports, w, predictor, top));
          leads.push_back(ours.back() - accuracy(reports, w, baseline, top));
        }
      }
      const FigureRange lead = range_of(leads), own = range_of(ours);
      figure.verdicts.push_back(
          {.claim = fmt::format("{} clearly ahead of '{}' in top-1, top-2 and top-4 accuracy",
                                predictor == "published" ? "the paper's regression" : "our Copilot",
                                baseline),
           .published = "clearly ahead",
           .ours = fmt::format("ahead by {:.2f} to {:.2f} (it is {:.2f} to {:.2f})", lead.least,
                               lead.most, own.least, own.most),
           .holds = lead.least >= kClearly ? Holds::kYes
                    : lead.least > 0       ? Holds::kPartly
                                           : Holds::kNo,
           .note = {}});
    }
  }
  return figure;
}

}  // namespace

FigureStudy copilot_figure(const FigureSettings& settings) {
  const auto reports = std::make_shared<Reports>();
  FigureStudy study;
  for (std::size_t w = 0; w < std::size(kWorkloads); ++w) {
    for (int i = 0; i < kSeeds; ++i) {
      const std::uint64_t seed = settings.seed + kSeedsAfter + i;
      study.work.emplace_back([reports, w, i, seed] {
        (*reports)[w][i] = study_prediction(request_for(kWorkloads[w], seed));
      });
    }
  }
  study.figure = [reports] { return copilot(*reports); };
  return study;
}

}  // namespace mixnet
