// The flags of `mixnet simulate` that ask for a timeline.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace mixnet::cli {

struct TimelineFlags {
  std::string file;  ///< empty: none
  std::optional<int> most;

  /// How many regions or nodes to draw when each has about `spans` spans. Throws Error when a
  /// number was given without a file, or is out of range.
  int limit(std::int64_t spans) const;
};

/// `part`: "regions" or "nodes".
void add_timeline_flags(CLI::App& command, TimelineFlags& flags, const std::string& part);

/// "\ntimeline.json: 16 of 32 regions, 12.3 MB; ...".
std::string describe_timeline(const TimelineFlags& flags, const std::string& part, int drawn,
                              int all, std::size_t bytes);

}  // namespace mixnet::cli
