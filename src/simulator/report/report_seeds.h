// Points of a sweep that differ by their seed alone, averaged: the mean of each number, and a 95 %
// interval of it.
//
// A seed draws routing, paths, failures; what is asked of a sweep over seeds is hardly ever one of
// them. The interval is the mean -+ t * s / sqrt(n) of n seeds, with s their standard deviation and
// t Student's 97.5 % quantile of n - 1 degrees of freedom: where draws are about normal, the mean
// over all seeds lies in it in 95 of 100 studies. One seed alone has no interval; seeds that make
// no difference have one of width 0.
//
// Every number is averaged by itself, so parts still add up to the iteration, while the mean of
// tokens a second is not that of the mean iteration.
//
// Pure. O(rows * log rows).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "report/report_folder.h"

namespace mixnet {

/// Student's t for a two-sided 95 % interval; `degrees` > 0. Exact to 0.001.
double student_t95(std::size_t degrees);

/// Half the width of the 95 % interval of the mean; nothing of fewer than two values.
std::optional<double> half_width95(std::span<const double> values);

struct SeedMean {
  ReportRow row;                ///< that of the first seed, with means in place of its numbers
  std::vector<std::size_t> of;  ///< the points it is the mean of, as places in the rows; 1 or more
  std::optional<double> seconds, tokens, performance;  ///< half widths
};

struct SeedMeans {
  std::size_t axis = 0;         ///< that of the seeds
  std::size_t least = 0;        ///< seeds of one mean, at least
  std::size_t most = 0;         ///< and at most
  double widest = 0;            ///< of the intervals of iterations: the most half width to mean
  std::vector<SeedMean> means;  ///< by point; of those that could be simulated
};

/// Nothing where the sweep has no axis `seed` with several values.
std::optional<SeedMeans> average_seeds(const SweepHead& sweep, std::span<const ReportRow> rows);

}  // namespace mixnet
