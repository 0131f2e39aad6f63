// What a sweep has to run: the points of a study, and what tells one sweep from another.
//
// A point is one value of every setting. Points are numbered from 0 in the order of the product of
// the axes (the first setting slowest), without the excluded ones; people see them from 1.
// Everything here follows from the study alone, so that it is the same whenever and wherever the
// sweep goes on.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/study_file.h"

namespace mixnet {

class SweepPlan {
 public:
  static constexpr std::size_t kMostPoints = 500'000;

  /// `command`: what the points are runs of, "mixnet compare". Throws Error when there are too many
  /// points, or none.
  SweepPlan(Study study, std::string command);

  std::size_t points() const { return points_.size(); }
  const Study& study() const { return study_; }

  /// The value of setting `setting` at `point`.
  const StudyValue& value(std::size_t point, std::size_t setting) const;
  /// The words behind the command: {"--model", "qwen-moe", ...}, in the order of the study.
  std::vector<std::string> arguments(std::size_t point) const;
  /// The command line that repeats the point, as a shell takes it.
  std::string command_line(std::size_t point) const;
  /// {"fabric": "mixnet", "fail": null}: the point's values on the axes, as they were given.
  nlohmann::ordered_json axes(std::size_t point) const;

  /// The identity of the sweep, mixnet.sweep/1 (docs/sweep.md): `program`, axes, fixed settings,
  /// rules, and a fingerprint of every file that a value of a `names_file` flag leads to.
  nlohmann::ordered_json identity(std::string_view program, std::span<const StudyFlag> flags) const;

 private:
  Study study_;
  std::string command_;
  // Of a point: its number in the whole product, from which the values follow.
  std::vector<std::uint32_t> points_;
};

/// `word` quoted for a POSIX shell, where it needs to be.
std::string shell_quoted(std::string_view word);

/// The words of a line that was made of shell_quoted() ones with a space between. Throws Error,
/// naming `input`, where a quote does not end.
std::vector<std::string> shell_words(std::string_view line, std::string_view input);

}  // namespace mixnet
