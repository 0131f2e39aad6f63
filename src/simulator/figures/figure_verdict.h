// When a published claim holds for our figures. Every kind of claim has one rule:
//
//                yes                          partly                        no
//   factor       within 10 % of it            on the same side of 1         on the other side
//   range        ours within it, its ends     some of ours on its           none of ours on its
//                widened by 10 %              side of 1                     side of 1
//   equality     all of ours within 10 %      some of ours                  none
//   overhead     within 1 percentage point    less; or ours, under          more
//                                             several settings, encloses
//                                             it
//
// What is within 1 % of 1 is on neither side. A factor is a ratio such as 1.5 (times as fast); an
// overhead is relative, 0.033 for +3.3 %.
// A range of ours goes from the least to the most over cases (models, speeds, settings).
//
// Pure.
#pragma once

#include <span>
#include <string>

#include "figures/figure.h"

namespace mixnet {

inline constexpr double kFactorTolerance = 0.1;
inline constexpr double kOverheadTolerance = 0.01;

struct FigureRange {
  double least = 0;
  double most = 0;
};

/// `values`: one or more.
FigureRange range_of(std::span<const double> values);
double mean_of(std::span<const double> values);

Holds judge_factor(double published, double ours);
Holds judge_range(FigureRange published, FigureRange ours);
Holds judge_equality(std::span<const double> ratios);
Holds judge_overhead(double published, FigureRange ours);

std::string factor_text(double factor);          ///< "1.52x"
std::string factor_text(FigureRange factors);    ///< "1.2x to 1.5x"; one where they read the same
std::string percent_text(double relative);       ///< "+3.3 %"; never "-0.0 %"
std::string percent_text(FigureRange relative);  ///< "-0.2 % to +10.7 %"

}  // namespace mixnet
