// How well is routing predicted? Replays gate decisions iteration by iteration and layer by layer,
// lets predictors guess each before it is shown to them, and scores the guesses.
//
// Predictors: `uniform`; `previous layer` (as the layer before, in this iteration); `previous
// iteration` (as this layer, an iteration ago); `published` and `copilot` (forecast/copilot.h);
// `oracle`, which is told. Each guesses the shares of every rank, so that a demand between servers
// follows. Scored are all layers but the first, which has none before it, after a warm-up; copilot
// goes on learning while it is scored, but never from what it has yet to guess.
//
//   * top-k accuracy: of the k experts guessed to be busiest, the part that is. Experts guessed
//     equal count in part; one as busy as the k-th busiest is right.
//   * load error: total variation distance of the loads, half the sum of |guessed - real|: the part
//     of all token copies that is guessed at the wrong expert.
//   * time of the all-to-all of the real demand on the circuits allocated for the guessed one (of
//     copilot: hedged, forecast/demand_hedge.h), and regret: that time over the time on the
//     circuits for the real demand, less 1; means. Greedy circuits are judged by
//     circuits_first_time(), others by balanced_time(). A regret can be below 0 where the allocator
//     is not exact, most of all with the greedy one.
//
// Every EP rank is one server of `degree` OCS and `eps_nics` EPS NICs.
//
// Routing is as everywhere (moe/routing.h), of micro-batch 0 and replica 0; save that a trace is
// cut into windows of consecutive tokens of one sequence, and a window is an iteration. All ranks
// then send alike, as the window as a whole did: a trace is short, and dealt to ranks it would be
// noise. What does not fill a window at the end of a sequence is left out.
//
// Deterministic; no clock. Cost: iterations x layers x (one Copilot step, seven allocations).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "circuits/circuit_planner.h"
#include "forecast/copilot.h"
#include "moe/token_counts.h"

namespace mixnet {

struct PredictionRequest {
  std::string routing = "dynamic";
  RoutingShape shape;
  Bytes token_bytes{1};        ///< of one token copy
  int iterations = 200;        ///< a trace may hold fewer
  std::optional<int> warm_up;  ///< default: half of a trace; else 20, at most a quarter
  int trace_window = 16;       ///< tokens
  std::uint64_t seed = 1;
  CopilotOptions copilot;
  AllocatorKind allocator = AllocatorKind::kRefined;
  int degree = 6;
  int eps_nics = 2;
  Bandwidth nic_rate = Bandwidth::gbps(400);
  std::function<void()> after_iteration = [] {};
};

struct PredictorScore {
  static constexpr std::array<int, 3> kTops = {1, 2, 4};
  std::string name;
  std::array<double, kTops.size()> accuracy = {};
  double load_error = 0;
  Time all_to_all;
  double regret = 0;
};

struct PredictionReport {
  int iterations = 0;
  int warm_up = 0;
  std::int64_t gates_scored = 0;  ///< (iterations - warm_up) * (layers - 1)
  std::vector<PredictorScore> predictors;
};

/// Throws Error on bad routing, on fewer than 2 layers, and when no iteration is left to score.
PredictionReport study_prediction(const PredictionRequest& request);

/// The part of the k busiest experts of `real` that is among the k busiest of `guess`.
double top_accuracy(std::span<const double> guess, std::span<const double> real, int k);

}  // namespace mixnet
