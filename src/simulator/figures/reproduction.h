// The paper's quantitative figures, reproduced: `mixnet reproduce`.
//
// Each figure is a table entry: its name and the study that computes it (figure_study.h). All work
// of all figures asked for run together, on `threads` threads; a figure does not depend on which
// others were asked for, nor on the number of threads.
//
// Deterministic; draws a progress bar on a terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "figures/figure.h"

namespace mixnet {

struct ReproductionRequest {
  std::vector<std::string> figures;  ///< empty: all
  std::uint64_t seed = 1;
  int threads = 1;
};

/// In the order in which they are reported.
std::vector<std::string> figure_names();

/// In the order of figure_names(), each once. Throws Error, naming --figure, when there is none of
/// a name.
std::vector<Figure> reproduce(const ReproductionRequest& request);

}  // namespace mixnet
