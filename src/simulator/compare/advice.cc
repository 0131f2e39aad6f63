#include "compare/advice.h"

#include <fmt/format.h>

#include <cmath>

namespace mixnet {
namespace {

std::string money(double usd) {
  return usd >= 1e6 ? fmt::format("{:.2f} M$", usd / 1e6) : fmt::format("{:.0f} k$", usd / 1e3);
}

/// Whether to name `run` rather than `other` as the fastest: by time, and where that is the same to
/// half a percent, by price.
bool is_better_fastest(const ComparisonRun& run, const ComparisonRun& other) {
  constexpr double kSame = 0.005;
  const double ratio = run.time.total.to_seconds() / other.time.total.to_seconds();
  if (std::abs(ratio - 1) > kSame) return ratio < 1;
  return *run.network_cost_usd < *other.network_cost_usd;
}

}  // namespace

std::vector<FabricChoice> choices(const Comparison& comparison) {
  std::vector<FabricChoice> found;
  for (std::size_t begin = 0, end = 0; begin < comparison.runs.size(); begin = end) {
    FabricChoice choice;
    int candidates = 0;
    const Bandwidth bandwidth = comparison.runs[begin].bandwidth;
    for (; end < comparison.runs.size() && comparison.runs[end].bandwidth == bandwidth; ++end) {
      const ComparisonRun& run = comparison.runs[end];
      if (!run.performance_per_dollar_vs_fat_tree) continue;
      if (choice.best == nullptr || *run.performance_per_dollar_vs_fat_tree >
                                        *choice.best->performance_per_dollar_vs_fat_tree) {
        choice.best = &run;
      }
      if (choice.fastest == nullptr || is_better_fastest(run, *choice.fastest)) {
        choice.fastest = &run;
      }
      ++candidates;
    }
    if (candidates > 1) found.push_back(choice);
  }
  return found;
}

std::string advice(const Comparison& comparison) {
  std::string sentence;
  for (const auto& [best, fastest] : choices(comparison)) {
    sentence += fmt::format("{} {}: take {} ({:.2f}x the performance per dollar of fat-tree, {}",
                            sentence.empty() ? "At" : "; at", to_string(best->bandwidth),
                            to_string(best->fabric), *best->performance_per_dollar_vs_fat_tree,
                            money(*best->network_cost_usd));
    if (best == fastest) {
      sentence += ", and as fast as any)";
    } else {
      const double slower =
          (best->time.total.to_seconds() / fastest->time.total.to_seconds() - 1) * 100;
      sentence += fmt::format("), or {} for {:.1f} % less time at {}", to_string(fastest->fabric),
                              100 * slower / (100 + slower), money(*fastest->network_cost_usd));
    }
  }
  return sentence.empty() ? sentence : sentence + ".";
}

}  // namespace mixnet
