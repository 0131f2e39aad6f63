#include "cli/chakra_flags.h"

#include <fmt/format.h>

#include "base/env.h"
#include "base/error.h"
#include "interop/chakra_trace.h"
#include "interop/task_graph.h"

namespace mixnet::cli {

bool is_chakra_prefix(const std::string& path) {
  return system_env().kind(path) != Env::FileKind::kFile &&
         system_env().kind(chakra_path(path, 0)) == Env::FileKind::kFile;
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
