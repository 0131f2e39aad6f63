// Flow lists as comma-separated values, for those who write their own:
//
//   src,dst,bytes,start
//   0,1,2000000,0us
//   2,3,2000000,1.5ms
//
//   * the columns in any order; `start` may be left out, and then every flow starts at 0;
//   * src, dst: hosts from 0, not the same; there are as many hosts as the highest one says;
//   * bytes: a whole number, 1 or more, without a unit; start: a time with its unit, 0us or more;
//   * '#' comments and blank lines are skipped (base/csv.h).
// No triggers: those take a connection matrix. Limits as in flow_list.h. Linear in the text.
#pragma once

#include <filesystem>
#include <string_view>

#include "network/flow_list.h"

namespace mixnet {

/// `input` names the text in errors. Throws Error, with line and column, on anything else.
FlowList parse_flow_csv(std::string_view text, std::string_view input);

/// The same from a file; throws Error when it cannot be read.
FlowList read_flow_csv(const std::filesystem::path& path);

}  // namespace mixnet
