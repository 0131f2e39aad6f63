// Study files: the settings of many runs of one command in a short YAML text.
//
//   # Which fabric, at which speed and delay of the switch?
//   model: mixtral-8x7b                       # a scalar fixes a flag
//   gpus: 256
//   fabric: [fat-tree, mixnet]                # a list is an axis: one point for each value
//   bandwidth: [100Gbps, 400Gbps]
//   reconfiguration-delay: [1ms, 25ms]
//   fail: [~, nic:3.1]                        # ~: the flag is left out
//   exclude:                                  # points that match all of a rule are left out
//     - {fabric: fat-tree, reconfiguration-delay: 1ms}
//
// Keys are the command's flags without their dashes; the reader is told which there are, and knows
// nothing else of the command. Values stay as they are written: what they mean is the command's
// matter. The points are the product of the axes, the last axis running fastest (sweep_plan.h).
//
// Everything else is refused with file, line and column: unknown or repeated keys and values,
// nested lists, values with control characters or invalid UTF-8, texts over 1 MiB. Aliases (*name)
// work.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace mixnet {

/// A flag that a study may set.
struct StudyFlag {
  std::vector<std::string> names;  ///< without dashes; all mean the same, the first is used
  bool is_switch = false;          ///< takes no value: given or left out
  bool names_file = false;         ///< its value may be, or end in, the path of a file
};

/// A value of a flag, and where it stands in the file (from 1).
struct StudyValue {
  std::optional<std::string> text;  ///< none: the flag is left out. A switch is given as "true"
  int line = 0;
  int column = 0;
};

/// A flag and its values: one, or those of an axis, no two the same.
struct StudySetting {
  std::string flag;
  bool is_switch = false;
  bool is_axis = false;
  std::vector<StudyValue> values;
};

/// Leaves points out: those that have, of every setting named, one of the values listed.
struct StudyExclusion {
  struct Match {
    std::size_t setting = 0;
    std::vector<std::size_t> values;  ///< indices
  };
  std::vector<Match> matches;  ///< at least one
};

struct Study {
  std::string input;  ///< name of the text
  std::vector<StudySetting> settings;
  std::vector<StudyExclusion> exclusions;
};

/// `input` names the text in errors. Throws Error on anything that is not a study of `flags`.
Study parse_study(std::string_view text, std::string_view input, std::span<const StudyFlag> flags);

/// An Error about one value, at its place.
Error error_at(const Study& study, const StudyValue& value, std::string_view problem,
               std::string_view remedy = {});

/// A value as a study file writes it, for messages: "~" for none.
std::string_view shown(const StudyValue& value);

}  // namespace mixnet
