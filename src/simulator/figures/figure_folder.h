// The folder that `mixnet reproduce` writes: figures.json, verdicts.csv and checks.csv over all
// figures in it, and NAME.csv and NAME.svg of each.
//
// A folder may be written again, by some of the figures: these take the place of those of their
// name, the others stay. Every file is written aside and renamed, figures.json last, so that it
// never names what is not there. Same figures, same bytes, in whatever order they came.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "figures/figure.h"

namespace mixnet {

/// The figures that the folder holds; none where it, or its figures.json, does not exist yet.
/// Throws Error where that file is none of ours, or the path is no folder: before hours are lost.
std::vector<Figure> read_figure_folder(const std::filesystem::path& folder,
                                       Env& env = system_env());

/// `before` (read_figure_folder) with `figures` in place of those of their name, in the order of
/// `order`; those that it does not name come last, as they were.
std::vector<Figure> merged(std::vector<Figure> before, std::vector<Figure> figures,
                           std::span<const std::string> order);

/// Makes the folder where there is none. Throws Error when it cannot be written.
void write_figure_folder(const std::filesystem::path& folder, const std::vector<Figure>& figures,
                         Env& env = system_env());

}  // namespace mixnet
