// What a comparison says to take: at each speed, the fabric with the most performance per dollar,
// and the fastest. Pure functions of the comparison; linear in its runs.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.h"

namespace mixnet {

/// What to take at one speed, of the runs that can be bought.
struct FabricChoice {
  const ComparisonRun* best = nullptr;  ///< most performance per dollar
  /// Least time; of those within half a percent, the cheapest.
  const ComparisonRun* fastest = nullptr;
};

/// By speed, where there are two to choose from. They point into `comparison`.
std::vector<FabricChoice> choices(const Comparison& comparison);

/// One sentence: which fabric to take at each speed, and why. Empty where fewer than two that can
/// be bought were compared.
std::string advice(const Comparison& comparison);

}  // namespace mixnet
