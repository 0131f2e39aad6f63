#include "compare/prediction_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "base/caller.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/text_file.h"
#include "circuits/balanced_time.h"
#include "circuits/completion_time.h"
#include "forecast/demand_hedge.h"
#include "moe/routing.h"
#include "moe/routing_trace.h"

namespace mixnet {
namespace {

constexpr std::string_view kTracePrefix = "trace:";
constexpr std::int64_t kRefinedBudget = 10'000;  // moves looked at; more changes no digit shown

/// Gate decisions in the order of time.
struct Replay {
  int iterations = 0;
  bool is_trace = false;
  std::function<void(int iteration, int layer, TokenCounts& out)> counts;
};

/// The trace with its full windows in the place of its sequences.
RoutingTrace cut_into_windows(const std::string& file, int window) {
  const std::string text = read_text_file(file);
  RoutingTrace::parse(text, file);  // judges the file as it is
  const CsvTable table = CsvTable::parse(text, file);
  std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> tokens;  // sequence: token: place
  for (std::size_t row = 0; row < table.rows(); ++row) {
    tokens[table.integer(row, 0)][table.integer(row, 1)] = 0;
  }
  std::int64_t first_window = 0;
  for (auto& [sequence, places] : tokens) {
    std::int64_t place = 0;
    for (auto& [token, own] : places) own = place++;
    const std::int64_t full = place / window;
    for (auto& [token, own] : places) {
      own = own / window < full ? first_window + own / window : -1;
    }
    first_window += full;
  }
  if (first_window < 2) {
    throw Error(file, fmt::format("holds {} full windows of {} tokens", first_window, window),
                "give a longer trace or a smaller --tokens");
  }
  std::string windows = fmt::format("{}\n", fmt::join(table.header(), ","));
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::int64_t own = tokens[table.integer(row, 0)][table.integer(row, 1)];
    if (own < 0) continue;
    // Tokens of different sequences may have one number, but not those of one window.
    fmt::format_to(std::back_inserter(windows), "{}", own);
    for (std::size_t c = 1; c < table.columns(); ++c) {
      fmt::format_to(std::back_inserter(windows), ",{}", table.text(row, c));
    }
    windows += '\n';
  }
  return RoutingTrace::parse(windows, file);
}

Replay open_trace(const PredictionRequest& request) {
  const std::string file = request.routing.substr(kTracePrefix.size());
  auto trace = std::make_shared<const RoutingTrace>(cut_into_windows(file, request.trace_window));
  // Its last experts may have been chosen outside of the windows alone.
  const auto experts = static_cast<std::size_t>(trace->experts());
  return {std::min(request.iterations, trace->sequences()), true,
          [trace, experts](int iteration, int layer, TokenCounts& out) {
            for (std::size_t rank = 0; rank < out.rows(); ++rank) {
              for (std::size_t e = 0; e < out.columns(); ++e) {
                out(rank, e) = e < experts ? trace->choices(iteration, layer % trace->layers(),
                                                            static_cast<int>(e))
                                           : 0;
              }
            }
          }};
}

Replay open_replay(const PredictionRequest& request) {
  // Opened for a trace too: it judges the spec and the shape.
  const RoutingSource source = RoutingSource::make(request.routing, request.shape, request.seed);
  if (request.routing.starts_with(kTracePrefix)) return open_trace(request);
  return {request.iterations, false, [source](int iteration, int layer, TokenCounts& out) {
            source.counts({.iteration = iteration, .layer = layer}, out);
          }};
}

/// Bytes between servers when every rank is one.
class ShareDemands {
 public:
  explicit ShareDemands(const PredictionRequest& request)
      : per_rank_(static_cast<std::size_t>(request.shape.experts / request.shape.ep)),
        bytes_(static_cast<double>(request.shape.row_total()) *
               static_cast<double>(request.token_bytes.count)) {}

  const ServerDemand& make(const RoutingShares& shares) {
    if (demand_.rows() != shares.rows()) demand_ = ServerDemand(shares.rows(), shares.rows());
    for (std::size_t from = 0; from < shares.rows(); ++from) {
      for (std::size_t to = 0; to < shares.rows(); ++to) {
        double share = 0;
        for (std::size_t e = to * per_rank_; e < (to + 1) * per_rank_; ++e)
          share += shares(from, e);
        demand_(from, to) = from == to ? 0 : std::llround(share * bytes_);
      }
    }
    return demand_;
  }

 private:
  std::size_t per_rank_;
  double bytes_;
  ServerDemand demand_;
};

class Scorer {
 public:
  explicit Scorer(const PredictionRequest& request)
      : request_(request),
        planner_({.allocator = request.allocator, .budget = kRefinedBudget}),
        demand_of_(request) {}

  /// The next gate; all that follows until the next is about it.
  void set_real(const RoutingShares& real) {
    real_load_ = load_of(real);
    real_demand_ = demand_of_.make(real);
    best_.reset();
  }

  void guess(PredictorScore& score, const RoutingForecast& forecast) {
    guess(score, forecast.load, demand_of_.make(forecast.shares));
  }

  void guess_hedged(PredictorScore& score, const RoutingForecast& forecast) {
    guess(score, forecast.load, hedge_.hedged(demand_of_.make(forecast.shares)));
  }

  void learn_to_hedge(const RoutingForecast& forecast) {
    hedge_.learn(demand_of_.make(forecast.shares), [this](const ServerDemand& guessed) {
      return static_cast<double>(time_for(guessed).ps);
    });
  }

 private:
  void guess(PredictorScore& score, std::span<const double> load, const ServerDemand& demand) {
    for (std::size_t k = 0; k < PredictorScore::kTops.size(); ++k) {
      score.accuracy[k] += top_accuracy(load, real_load_, PredictorScore::kTops[k]);
    }
    double distance = 0;
    for (std::size_t e = 0; e < real_load_.size(); ++e) {
      distance += std::abs(load[e] - real_load_[e]);
    }
    score.load_error += distance / 2;
    const Time time = time_for(demand);
    score.all_to_all += time;
    if (!best_) best_ = time_for(real_demand_);
    if (best_->ps > 0) {
      score.regret += static_cast<double>(time.ps) / static_cast<double>(best_->ps) - 1;
    }
  }

  Time time_for(const ServerDemand& guessed) {
    const CircuitCounts& circuits = planner_.plan(
        guessed, RegionNics::alike(guessed.rows(), request_.degree, request_.eps_nics));
    if (request_.allocator == AllocatorKind::kGreedy) {
      return circuits_first_time(real_demand_, circuits, request_.eps_nics, request_.nic_rate)
          .whole();
    }
    return Time::from_seconds(balanced_time(real_demand_, circuits, request_.eps_nics) /
                              request_.nic_rate.bytes_per_second());
  }

  const PredictionRequest& request_;
  CircuitPlanner planner_;
  ShareDemands demand_of_;
  std::vector<double> real_load_;
  ServerDemand real_demand_;
  std::optional<Time> best_;  // on circuits for the real demand
  DemandHedge hedge_;
};

RoutingForecast forecast_of(const RoutingShares& shares) { return {load_of(shares), shares}; }

int choose_warm_up(const PredictionRequest& request, const Replay& replay) {
  const int usual = replay.is_trace ? replay.iterations / 2 : std::min(20, replay.iterations / 4);
  const int warm_up = request.warm_up.value_or(std::max(usual, 1));
  if (warm_up >= 1 && warm_up < replay.iterations) return warm_up;
  throw Error("--warm-up",
              fmt::format("{} of {} iterations{} leaves nothing to score", warm_up,
                          replay.iterations, replay.is_trace ? " (windows of the trace)" : ""),
              "give at least 1, and fewer than there are");
}

}  // namespace

double top_accuracy(std::span<const double> guess, std::span<const double> real, int k) {
  const std::size_t top = std::min(static_cast<std::size_t>(k), guess.size());
  const auto kth = [top](std::span<const double> loads) {
    std::vector<double> sorted(loads.begin(), loads.end());
    std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(top - 1),
                             std::greater<>());
    return sorted[top - 1];
  };
  const double guessed_bar = kth(guess);
  const double real_bar = kth(real);
  std::size_t above = 0;
  std::size_t level = 0;
  double right_above = 0;
  double right_level = 0;
  for (std::size_t e = 0; e < guess.size(); ++e) {
    const bool right = real[e] >= real_bar;
    if (guess[e] > guessed_bar) {
      ++above;
      right_above += right ? 1 : 0;
    } else if (guess[e] == guessed_bar) {
      ++level;
      right_level += right ? 1 : 0;
    }
  }
  // What the experts level at the bar fill, each in equal part.
  const double places = static_cast<double>(top - above);
  return (right_above + places * right_level / static_cast<double>(level)) /
         static_cast<double>(top);
}

PredictionReport study_prediction(const PredictionRequest& request) {
  const Replay replay = open_replay(request);
  const auto layers = static_cast<std::size_t>(request.shape.layers);
  if (layers < 2) {
    throw Error("--model", "has one layer with experts, and none before it to predict from",
                "give a model with at least 2");
  }
  PredictionReport report;
  report.iterations = replay.iterations;
  report.warm_up = choose_warm_up(request, replay);

  const auto ranks = static_cast<std::size_t>(request.shape.ep);
  const auto experts = static_cast<std::size_t>(request.shape.experts);
  for (const char* name :
       {"uniform", "previous layer", "previous iteration", "published", "copilot", "oracle"}) {
    report.predictors.emplace_back().name = name;
  }
  const RoutingForecast uniform =
      forecast_of(RoutingShares(ranks, experts, 1.0 / static_cast<double>(experts)));
  Copilot copilot(layers, ranks, experts, request.copilot);
  Scorer scorer(request);
  TokenCounts counts(ranks, experts);
  std::vector<RoutingShares> last(layers);
  for (int iteration = 0; iteration < replay.iterations; ++iteration) {
    RoutingShares layer_before;
    for (std::size_t layer = 0; layer < layers; ++layer) {
      stop_point();
      replay.counts(iteration, static_cast<int>(layer), counts);
      RoutingShares real = shares_of(counts);
      scorer.set_real(real);
      if (iteration >= report.warm_up && layer > 0) {
        std::vector<PredictorScore>& scores = report.predictors;
        scorer.guess(scores[0], uniform);
        scorer.guess(scores[1], forecast_of(layer_before));
        scorer.guess(scores[2], forecast_of(last[layer]));
        scorer.guess(scores[3], copilot.predict_published(layer));
        scorer.guess_hedged(scores[4], copilot.predict(layer));
        scorer.guess(scores[5], forecast_of(real));
        ++report.gates_scored;
      }
      if (iteration > 0 && (iteration + static_cast<int>(layer)) % DemandHedge::kLearnsEvery == 0) {
        scorer.learn_to_hedge(copilot.predict(layer));
      }
      copilot.observe(layer, real);
      last[layer] = real;
      layer_before = std::move(real);
    }
    request.after_iteration();
  }

  const auto gates = static_cast<double>(report.gates_scored);
  for (PredictorScore& score : report.predictors) {
    for (double& accuracy : score.accuracy) accuracy /= gates;
    score.load_error /= gates;
    score.regret /= gates;
    score.all_to_all = score.all_to_all / report.gates_scored;
  }
  return report;
}

}  // namespace mixnet
