#include "figures/figure_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mixnet {
namespace {

/// Whether `ours` is on the side of 1 that `published` is on, and not at 1 itself.
bool same_side(double published, double ours) {
  constexpr double kAtOne = 0.01;
  return published > 1 ? ours > 1 + kAtOne : ours < 1 - kAtOne;
}

bool is_near(double published, double ours) {
  return ours >= published / (1 + kFactorTolerance) && ours <= published * (1 + kFactorTolerance);
}

Holds partly_if(bool some) { return some ? Holds::kPartly : Holds::kNo; }

std::string joined(const std::string& least, const std::string& most) {
  return least == most ? least : fmt::format("{} to {}", least, most);
}

}  // namespace

FigureRange range_of(std::span<const double> values) {
  const auto [least, most] = std::ranges::minmax(values);
  return {least, most};
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Holds judge_factor(double published, double ours) {
  return is_near(published, ours) ? Holds::kYes : partly_if(same_side(published, ours));
}

Holds judge_range(FigureRange published, FigureRange ours) {
  if (ours.least >= published.least / (1 + kFactorTolerance) &&
      ours.most <= published.most * (1 + kFactorTolerance)) {
    return Holds::kYes;
  }
  const double side = (published.least + published.most) / 2;
  return partly_if(same_side(side, ours.least) || same_side(side, ours.most));
}

Holds judge_equality(std::span<const double> ratios) {
  const auto near = std::ranges::count_if(ratios, [](double ratio) { return is_near(1, ratio); });
  return near == std::ssize(ratios) ? Holds::kYes : partly_if(near > 0);
}

Holds judge_overhead(double published, FigureRange ours) {
  const double below = published - ours.least, above = ours.most - published;
  if (std::max(std::abs(below), std::abs(above)) <= kOverheadTolerance) return Holds::kYes;
  return partly_if(ours.least <= published);
}

std::string factor_text(double factor) { return fmt::format("{:.2f}x", factor); }
std::string factor_text(FigureRange factors) {
  return joined(factor_text(factors.least), factor_text(factors.most));
}

std::string percent_text(double relative) {
  const std::string text = fmt::format("{:+.1f} %", 100 * relative);
  return text == "-0.0 %" ? "+0.0 %" : text;
}
std::string percent_text(FigureRange relative) {
  return joined(percent_text(relative.least), percent_text(relative.most));
}

}  // namespace mixnet
