// Axes of a sweep as numbers, where they are: for lines over them, and to sort by.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report_folder.h"

namespace mixnet {

struct AxisScale {
  std::string unit;             ///< "Gb/s", "s", "B", or "" for plain numbers
  std::vector<double> numbers;  ///< by value of the axis
};

/// Nothing unless there are two values at least, and all are quantities of one kind.
std::optional<AxisScale> axis_scale(const ReportAxis& axis);

}  // namespace mixnet
