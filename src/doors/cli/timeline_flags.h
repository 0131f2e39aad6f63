// The flags of `mixnet simulate` that ask for a timeline.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace mixnet::cli {

struct TimelineFlags {
  /// Of a file of about 80 MB, which ui.perfetto.dev opens in a browser.
  static constexpr std::int64_t kMostSpans = 600'000;

  std::string file;         ///< empty: none
  std::optional<int> most;  ///< parts to draw

  /// Throws Error when their number was given without a file, or is out of range.
  void check(const std::string& part) const;
};

/// `part`: "regions" or "nodes".
void add_timeline_flags(CLI::App& command, TimelineFlags& flags, const std::string& part);

/// "timeline.json: timeline of 16 of 32 regions, 12.3 MB; ...".
std::string describe_timeline(const TimelineFlags& flags, const std::string& part, int drawn,
                              int all, std::size_t bytes);

}  // namespace mixnet::cli
