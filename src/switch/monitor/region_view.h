// What metrics and page read off the controller's state. Pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "region/region_state.h"

namespace mixnet {

template <>
struct Names<Step> {
  static constexpr std::string_view kWhat = "step of a slice";
  static constexpr NamedValue<Step> kTable[] = {{"settled", Step::kSettled},
                                                {"draining", Step::kDraining},
                                                {"switching", Step::kSwitching},
                                                {"reading", Step::kReading}};
};

/// Circuits lit between ports of the tenant's servers, as last read; sorted.
std::vector<PortPair> lit_circuits(const RegionState& state, int tenant);

/// Which share of the demand's bytes is between pairs of servers with a circuit, 0 to 1; none
/// where no demand was reported, or one without bytes. O(servers of the slice, squared).
std::optional<double> served_by_circuits(const RegionState& state, const Slice& slice);

/// "demand", "mark", "health", ..., of what the controller hears: metrics' and the log's words.
std::string_view kind_of(const Event& event);

}  // namespace mixnet
