// When somebody else works on the switch: windows in which the controller commands nothing.
//
//   "Sun 02:00-04:00 UTC"                          every week; may pass midnight
//   "2026-12-24 00:00 / 2026-12-27 00:00 UTC"      once
//
// Only UTC: a window that a change of daylight saving moves would surprise somebody. Pure values.
#pragma once

#include <span>
#include <string_view>

#include "base/instant.h"

namespace mixnet {

struct MaintenanceWindow {
  bool weekly = false;
  Instant begin, end;  ///< once
  /// Weekly: from Monday 00:00 UTC; end may lie in the week after.
  Duration week_begin, week_end;
  bool operator==(const MaintenanceWindow&) const = default;
};

/// Throws Error; `input` is the place in the file.
MaintenanceWindow parse_maintenance(std::string_view text, std::string_view input);

struct MaintenanceState {
  bool held = false;
  Duration until_change;  ///< until this may be otherwise; max(): never
};
MaintenanceState maintenance_at(std::span<const MaintenanceWindow> windows, Instant now);

}  // namespace mixnet
