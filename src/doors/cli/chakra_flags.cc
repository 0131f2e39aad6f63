#include "cli/chakra_flags.h"

#include <fmt/format.h>

#include "base/env.h"
#include "base/error.h"
#include "interop/chakra_trace.h"
#include "interop/task_graph.h"

namespace mixnet::cli {

bool is_chakra(const std::string& path) {
  switch (system_env().kind(path)) {
    case Env::FileKind::kFolder:
      return true;
    case Env::FileKind::kFile:
      return path.ends_with(".et") || path.ends_with(".json");
    default:
      return system_env().kind(chakra_path(path, 0)) == Env::FileKind::kFile;
  }
}

std::size_t ranks_of(const std::optional<int>& flag) {
  if (!flag) return 0;
  if (*flag >= 1 && *flag <= static_cast<int>(kMaxChakraRanks)) {
    return static_cast<std::size_t>(*flag);
  }
  throw Error("--ranks", fmt::format("{} is out of range", *flag),
              fmt::format("give 1 to {}", kMaxChakraRanks));
}

std::uint32_t gpus_per_node(const std::optional<int>& flag) {
  constexpr int kDefault = 8;
  const int gpus = flag.value_or(kDefault);
  if (gpus >= 1 && gpus <= static_cast<int>(kMaxGpusPerNode)) {
    return static_cast<std::uint32_t>(gpus);
  }
  throw Error("--gpus-per-server", fmt::format("{} is out of range", gpus),
              fmt::format("give 1 to {}", kMaxGpusPerNode));
}

}  // namespace mixnet::cli
