// Prometheus metrics of a region's daemon: docs/monitoring.md has each of them.
//
// hear() counts what happens, on the loop's thread: a few atomics, half a microsecond. look() sets
// what is read off the state (circuits, demand served, suspects) and note() what the daemon knows
// of itself; both whenever the owner likes. text() is what a scrape gets, from any thread.
//
// Names and units are Prometheus's: seconds, bytes, ratios of 1, `_total` for what only grows. The
// number of series is bounded by positions and tenants; those of tenants that have left go, and so
// does the power of a port that is no longer read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "monitor/stage_clock.h"

namespace mixnet {

/// What is neither a happening nor of the state.
struct DaemonFacts {
  bool ready = false, healthy = false;
  int live_pages = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t dropped_log_lines = 0;
  std::optional<Instant> certificate_ends = {};
};

class RegionMetrics {
 public:
  /// `settings` outlives it.
  RegionMetrics(const DaemonSettings& settings, std::string_view version, Env& env = system_env());
  RegionMetrics(const RegionMetrics&) = delete;
  RegionMetrics& operator=(const RegionMetrics&) = delete;
  ~RegionMetrics();

  /// Calls of one thread, which need not be that of the next two.
  void hear(const Happening& happening);
  void look(const RegionState& state);
  void note(const DaemonFacts& facts);
  /// What is known of the process (memory, descriptors, processor time) is read anew.
  std::string text() const;

  /// The latest stage times; thread-safe.
  RecentTimes recent() const;
  struct Totals {
    std::uint64_t commands = 0, failed_commands = 0, ports_moved = 0;
    double dark_seconds = 0;
  };
  Totals totals() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
