// What the page draws, as one JSON document: GET /state.json and each event of GET /live.
// docs/monitoring.md says what each member means; `format` is mixnet.region-page/1.
//
// A demand of more than kMostCells servers is summed up in groups of neighbours, so that the
// document stays under about 300 kB whatever the region. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/daemon_settings.h"
#include "monitor/alarm_advice.h"
#include "monitor/region_metrics.h"
#include "monitor/stage_clock.h"
#include "region/region_state.h"

namespace mixnet {

struct PageFacts {
  std::string version = {};  ///< of the daemon
  std::int64_t run = 0;      ///< RegionLoop::run_id()
  Instant now = {};          ///< when it was looked at
  std::uint64_t record = 0;
  bool ready = false, healthy = false;
  std::string why_not_ready = {};
  std::vector<ShownAlarm> alarms = {};  ///< oldest first
  RecentTimes times = {};
  RegionMetrics::Totals totals = {};
  std::vector<PortReading> power = {};  ///< by position, as far as it was read
};

inline constexpr int kMostCells = 64;

/// Cost: 64 servers of 6 NICs about 0.6 ms, 80 kB.
std::string page_state(const RegionState& state, const DaemonSettings& settings,
                       const PageFacts& facts);

}  // namespace mixnet
