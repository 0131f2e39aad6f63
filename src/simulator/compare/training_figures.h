// What an iteration comes to in the units in which training runs are published: tokens/s and
// TFLOP/s of a GPU, MFU, days and dollars for a number of tokens.
//
// Conventions. FLOPs are the model's (forward_flops_per_token()), three times forward: two a weight
// of each matrix that a token passes, causal scores counted half, nothing for recomputation, the
// router's small change included. MFU is of the GPU's dense bf16 peak, also with fp8, as
// DeepSeek-V3 and most others print it; the share of the fp8 peak is about half of that. Dollars
// are the cluster's (servers, network, electricity over its years), by the share of these years
// that the tokens take.
//
// Plain values; pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/units.h"
#include "fabric/cluster_cost.h"
#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

struct TrainingFigures {
  double flops_per_token = 0;  ///< forward and backward
  double tokens_per_second_per_gpu = 0;
  double tflops_per_gpu = 0;
  double mfu = 0;              ///< share of the bf16 peak
  std::optional<double> days;  ///< for the tokens asked for
  std::optional<double> usd;   ///< and where there is a price
};

/// `tokens`: those of the whole training; 0: nobody asked.
TrainingFigures training_figures(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                                 Time iteration, double tokens);

/// Adds what `figures.days` of the cluster cost, over `years` of which it costs `cluster`.
void add_cost(const ClusterCost& cluster, double years, TrainingFigures& figures);

/// "15T", "300B", "2.5M", "5000": how many; K, M, G or B, and T stand for thousands and so on.
/// Throws Error, naming `flag`, on what is none from 1 to 1e18.
double parse_token_count(std::string_view text, std::string_view flag);

}  // namespace mixnet
