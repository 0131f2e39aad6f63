#include "compare/training_figures.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr double kForwardAndBackward = 3;  // of forward
constexpr double kSecondsPerDay = 86'400;
constexpr double kDaysPerYear = 365.25;
constexpr double kMostTokens = 1e18;

double thousands(char suffix) {
  switch (suffix) {
    case 'k':
    case 'K':
      return 1e3;
    case 'M':
      return 1e6;
    case 'G':
    case 'B':
      return 1e9;
    case 'T':
      return 1e12;
    default:
      return 0;
  }
}

}  // namespace

TrainingFigures training_figures(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                                 Time iteration, double tokens) {
  TrainingFigures figures;
  figures.flops_per_token = kForwardAndBackward * forward_flops_per_token(model, plan.seq_length);
  const double per_second =
      static_cast<double>(plan.tokens_per_iteration()) / iteration.to_seconds();
  figures.tokens_per_second_per_gpu = per_second / static_cast<double>(plan.world());
  const double flops = figures.tokens_per_second_per_gpu * figures.flops_per_token;
  figures.tflops_per_gpu = flops * 1e-12;
  figures.mfu = flops / gpu.peak_bf16_flops;
  if (tokens > 0) figures.days = tokens / per_second / kSecondsPerDay;
  return figures;
}

void add_cost(const ClusterCost& cluster, double years, TrainingFigures& figures) {
  if (!figures.days || !(years > 0)) return;
  figures.usd = cluster.total_usd() * *figures.days / (years * kDaysPerYear);
}

double parse_token_count(std::string_view text, std::string_view flag) {
  std::string_view digits = text;
  double factor = 1;
  if (!digits.empty() && thousands(digits.back()) > 0) {
    factor = thousands(digits.back());
    digits.remove_suffix(1);
  }
  const double count = factor * number_in<double>(digits).value_or(0);
  if (count >= 1 && count <= kMostTokens) return count;
  throw Error(flag, fmt::format("'{}' is not a number of tokens", text),
              "give one such as 15T or 300B, up to 1000000T");
}

}  // namespace mixnet
