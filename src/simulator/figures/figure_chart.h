// A figure as one SVG document that stands alone: panels side by side, axes labelled with their
// units, a legend.
//
// A series' colour goes by its name (Okabe-Ito, safe for the colour-blind), its marks by its
// origin: ours lines with dots, packets hollow diamonds, published dashed lines with crosses; bars
// of published figures are hatched. So series of one name, ours and published, can be told apart
// without colour, too. Light background; printable.
//
// Deterministic, pure. O(points).
#pragma once

#include <string>
#include <vector>

#include "figures/figure.h"

namespace mixnet {

/// `figure` keeps the invariants of figure.h. Ends with a line break.
std::string to_svg(const Figure& figure);

/// Where a numeric axis is marked: round numbers that lie in [least, most], ascending, at most
/// about `wanted` of them; on a logarithmic axis, of decades or of 1, 2 and 5. `least` < `most`.
std::vector<double> axis_ticks(double least, double most, bool logarithmic, int wanted);

}  // namespace mixnet
