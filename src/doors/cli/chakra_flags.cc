#include "cli/chakra_flags.h"

#include <fmt/format.h>

#include "base/error.h"
#include "interop/chakra_trace.h"
#include "interop/task_graph.h"

namespace mixnet::cli {

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
