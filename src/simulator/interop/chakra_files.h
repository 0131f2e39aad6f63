// Which files are the Chakra traces of a job. People give
//   a prefix   PREFIX.0.et, PREFIX.1.et, ...: the convention of ASTRA-sim
//   a folder   its files that end in .et (or, where there is none, in .json), one a rank by the
//   last
//              number before that ending: trace.3.et, rank3.et, et_3.json
//   a file     one rank's trace
// Files are protobuf or JSON (chakra_json.h), by their content.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/env.h"
#include "interop/chakra_trace.h"

namespace mixnet {

struct ChakraFiles {
  std::vector<std::filesystem::path> ranks;  ///< that of rank 0 first
  std::filesystem::path groups;              ///< comm_groups.json beside them; empty: none
};

/// Throws Error when there is no trace, when that of a rank is missing between others or is there
/// twice, or when there are over kMaxChakraRanks.
ChakraFiles find_chakra_files(const std::string& given, Env& env = system_env());

/// Throws Error naming the file when it cannot be read or is damaged.
ChakraTrace read_chakra_file(const std::filesystem::path& path);

}  // namespace mixnet
